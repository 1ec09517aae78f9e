import { basename, join } from 'node:path';
import { existsSync } from 'node:fs';
import { type ConnectorFile, isSource } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { findDaemon, isServing, type ServingDaemon } from '../worker/daemon-file.ts';
import { connectorOf } from '../worker/operate/context.ts';
import { askDaemon, readDaemon } from '../worker/operate/daemon-client.ts';
import { operateOnLog } from '../worker/operate/on-log.ts';
import type { OperatorAnswer, OperatorRequest } from '../worker/rest/daemon-view.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';
import { type OperatorFlags, operatorConfig, validConnectors } from './operator-options.ts';

/** What an operator has to know of a connector before it is changed. */
export interface Subject {
  readonly kind: 'source' | 'sink';
  readonly slot: string | undefined;
  readonly publication: string | undefined;
  /** As seen from here; it need not exist any more. */
  readonly file: string;
}

/** Where operators' requests are carried out: by the daemon that runs on the state directory, else here, on the log itself. */
export interface Operation {
  /** True when a daemon runs: it knows the connectors, with secrets that this process may not have. */
  readonly hasDaemon: boolean;
  /** The connector of this name, or undefined. What is wrong with files is said on standard error where no daemon says it. */
  subject(name: string): Promise<Subject | undefined>;
  carryOut(request: OperatorRequest): Promise<OperatorAnswer>;
}

/** Finds out who is to carry requests out, from the settings that the daemon is started with too. */
export async function findOperation(flags: OperatorFlags, env: Environment, signal: AbortSignal): Promise<Operation> {
  const config = operatorConfig(flags, env);
  const daemon = await findDaemon(config.stateDir);
  // A daemon that has ended leaves its address behind; it is asked before anything is decided.
  if (!isServing(daemon)) return onLog(config, env, signal);
  const isThere = (await readDaemon(daemon, config.rest, '/connectors', signal)) !== undefined;
  return isThere ? byDaemon(daemon, config, signal) : onLog(config, env, signal);
}

function byDaemon(daemon: ServingDaemon, config: WorkerConfig, signal: AbortSignal): Operation {
  return {
    hasDaemon: true,
    async subject(name) {
      const all = (await readDaemon(daemon, config.rest, '/connectors?expand=info', signal)) ?? {};
      const info = (all as Readonly<Record<string, { readonly info: Info } | undefined>>)[name]?.info;
      if (info === undefined) return undefined;
      const { config: raw, rowcast } = info;
      return {
        kind: info.type === 'sink' ? 'sink' : 'source',
        slot: raw['slot.name'],
        publication: raw['publication.name'],
        file: existsSync(rowcast.file) ? rowcast.file : join(config.connectorsDir, basename(rowcast.file)),
      };
    },
    async carryOut(request) {
      const answer = await askDaemon(daemon, config.rest, request, signal);
      if (answer === undefined) throw new Error(`The daemon at ${daemon.url} has just ended`);
      return answer;
    },
  };
}

/** What is read of Connect's ConnectorInfo. */
interface Info {
  readonly type: string;
  readonly config: Readonly<Record<string, string>>;
  readonly rowcast: { readonly file: string };
}

function onLog(config: WorkerConfig, env: Environment, signal: AbortSignal): Operation {
  const connectors = validConnectors(config.connectorsDir, env);
  return {
    hasDaemon: false,
    // Nobody else remembers one whose file is gone.
    subject: (name) => Promise.resolve(subjectOf(connectorOf({ connectors }, name))),
    carryOut: (request) => operateOnLog(config, connectors, request, signal),
  };
}

function subjectOf(connector: ConnectorFile): Subject {
  const { file } = connector;
  if (!isSource(connector)) return { kind: 'sink', slot: undefined, publication: undefined, file };
  if (connector.kind !== 'PostgresWalSource') return { kind: 'source', slot: undefined, publication: undefined, file };
  const { slot, publication } = connector.config;
  return { kind: 'source', slot, publication, file };
}
