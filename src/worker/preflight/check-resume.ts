import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, OperatorError, TransientError } from '../../errors.ts';
import { Findings, type Finding } from '../../finding.ts';
import { type DaemonFile, isServing } from '../daemon-file.ts';
import { knownDaemonId } from '../daemon-id.ts';
import type { SourceFacts } from '../operate/context.ts';
import { askDaemon } from '../operate/daemon-client.ts';
import { operateOnLog } from '../operate/on-log.ts';
import { lookAtSource } from '../operate/source-offsets.ts';
import type { SourceConnector } from '../../connector/load-file.ts';
import type { OperatorRequest } from '../rest/daemon-view.ts';
import type { WorkerConfig } from '../worker-config.ts';

const CHECK = 'resume';

export interface ResumeOptions {
  readonly config: Pick<WorkerConfig, 'stateDir' | 'kafka' | 'rest'>;
  /** The daemon that runs on the state directory. */
  readonly running: DaemonFile | undefined;
  readonly sources: readonly SourceConnector[];
}

/** What a program is told of one connector's offsets. */
interface Told {
  readonly offsets: readonly unknown[];
  readonly error?: string;
  readonly rowcast?: SourceFacts;
}

/**
 * Whether every source can go on where its log ends, by name: what its start would stop at is a problem. The log is read here, or by the daemon
 * that has it open. Never throws: what fails is a finding.
 */
export async function checkResume(
  options: ResumeOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const { config, sources } = options;
  if (sources.length === 0) return new Map();
  const found = new Map<string, readonly Finding[]>();
  try {
    if (config.kafka === undefined && options.running === undefined && !existsSync(join(config.stateDir, 'log'))) {
      for (const each of sources) found.set(each.name, await withoutLog(each, signal));
      return found;
    }
    const told = await tell(options, signal);
    const daemon = knownDaemonId(config.stateDir);
    for (const { name, config: own } of sources) {
      const each = told[name]; // a daemon may not know it: then it has nothing in that daemon's log
      if (each !== undefined) found.set(name, judge(`log of ${own.topicPrefix}`, name, each, daemon));
    }
  } catch (error) {
    const isOurs = error instanceof OperatorError || error instanceof TransientError;
    const fix = isOurs ? error.advice : undefined;
    for (const { name, config: own } of sources) {
      const unknown = new Findings();
      unknown.unknown(CHECK, `log of ${own.topicPrefix}`, `It cannot be read: ${describeError(error)}.`, fix);
      found.set(name, unknown.all);
    }
  }
  return found;
}

/** What `rowcast offsets` would show, as JSON. Kafka's log is open to everybody. */
async function tell(
  { config, running, sources }: ResumeOptions,
  signal: AbortSignal,
): Promise<Readonly<Record<string, Told>>> {
  const request: OperatorRequest = { kind: 'offsets', connector: undefined };
  if (config.kafka === undefined && running !== undefined) {
    if (!isServing(running)) throw new OperatorError('The daemon that has it open listens nowhere');
    const answer = await askDaemon(running, config.rest, request, signal);
    if (answer !== undefined) return answer.value as Readonly<Record<string, Told>>;
  }
  return (await operateOnLog(config, sources, request, signal)).value as Readonly<Record<string, Told>>;
}

/** Nothing was ever stored: a slot that is there was made by somebody else, or its log was removed. */
async function withoutLog(connector: SourceConnector, signal: AbortSignal): Promise<readonly Finding[]> {
  if (connector.kind !== 'PostgresWalSource') return [];
  const looked = await lookAtSource(async () => undefined, connector, signal);
  const found = new Findings();
  const object = `slot ${connector.config.slot}`;
  // What keeps the server from being looked at is told by the look at the server.
  if (typeof looked !== 'string' && looked.obstacle)
    found.problem(CHECK, object, looked.obstacle.message, looked.obstacle.fix);
  return found.all;
}

function judge(object: string, name: string, told: Told, daemon: string | undefined): readonly Finding[] {
  const found = new Findings();
  const { owner = null, problem = null, unknown } = told.rowcast ?? {};
  if (told.error !== undefined) found.unknown(CHECK, object, `It cannot be read: ${told.error}.`);
  else if (owner !== null && owner !== daemon) {
    const fix = `rowcast start --take-over # when that daemon is gone for good; or name its state directory with --state`;
    found.problem(CHECK, object, `Daemon ${owner} owns it, and this would be another one.`, fix);
  } else if (problem !== null) found.problem(CHECK, object, problem.message, problem.fix);
  else if (unknown === undefined && told.offsets.length > 0)
    found.ok(CHECK, object, `Connector ${name} goes on where it ends.`);
  return found.all;
}
