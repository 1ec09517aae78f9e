import { randomUUID } from 'node:crypto';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { sourceConnection } from '../../connector/connection-of.ts';
import { OperatorError } from '../../errors.ts';
import { type Accepted, acceptSource } from '../../pipeline/accept.ts';
import { checkpointsTopic } from '../../log/protocol/topics.ts';
import { lsnToPosition, parseLsn } from '../../postgres/lsn.ts';
import { walEnd } from '../../source/wal/identity.ts';
import { createWalSource } from '../../source/wal/wal-source.ts';
import type { OperatorAnswer } from '../rest/daemon-view.ts';
import { walSourceSettings } from '../settings.ts';
import { onDatabase, operatorIncarnation } from './connections.ts';
import type { OperateContext } from './context.ts';
import { bytesText, positionText } from './text.ts';

/** Accepts the source as it is now, and says what may be missing. */
export async function accept(
  { log, clock }: OperateContext,
  connector: ConnectorFile,
  fromNow: boolean,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const { name } = connector;
  if (connector.kind !== 'PostgresWalSource') {
    throw new OperatorError(`Connector "${name}" reads no WAL: only a source that does has a slot to accept`);
  }
  const { config } = connector;
  const topic = checkpointsTopic(config.topicPrefix);
  if (!(await log.topics([topic], signal)).has(topic)) return nothing(name, 'it has never started');
  const warnings: string[] = [];
  const source = createWalSource(walSourceSettings(name, config), clock, (message) => warnings.push(message));
  await using held = await source.open(operatorIncarnation(), false, signal);
  const end = async (): Promise<string> => {
    return lsnToPosition(await onDatabase(sourceConnection(config), signal, walEnd));
  };
  const tools = { log, clock, random: randomUUID, prefix: config.topicPrefix };
  const accepted = await acceptSource({ ...tools, fromNow, end }, held, signal);
  if (typeof accepted === 'string') return nothing(name, accepted);
  return {
    lines: [...acceptedLines(name, config.slot, held.identity, accepted), ...warnings],
    value: { connector: name, accepted: { ...accepted, ...held.identity } },
  };
}

function nothing(name: string, why: string): OperatorAnswer {
  return { lines: [`${name}: nothing had to be accepted: ${why}`], value: { connector: name, accepted: null, why } };
}

function acceptedLines(
  name: string,
  slot: string,
  { system, timeline }: { readonly system: string; readonly timeline: number },
  { differences, position, resumes, created }: Accepted,
): string[] {
  const [from, to] = [positionText(position), positionText(resumes)];
  const isOther = differences.system || differences.branch;
  const lines = [
    `${name}: system ${system}, timeline ${timeline}, slot "${slot}" at ${to} is accepted for the next start`,
  ];
  if (created) lines.push(`slot "${slot}" was made at ${to}, the present end of WAL`);
  const gap = parseLsn(to) - parseLsn(from);
  if (gap > 0) {
    lines.push(`may be missing: what was committed after ${from} and before ${to} (${bytesText(gap)} of WAL)`);
  }
  if (differences.system) {
    lines.push(
      'after pg_upgrade nothing is missing if the old server had sent everything before it was stopped for good (its slot had confirmed the end of WAL)',
      'pg_upgrade keeps the ids of tables; where they were made anew (dump and restore) sinks stop, and the source has to be reset instead',
    );
  }
  if (isOther) {
    lines.push(
      `may be too much: what the old server had committed up to ${from} and this one never had stays in the replica`,
    );
  }
  if (differences.publication) {
    lines.push(
      'may be missing: what was written between the moments when the publication was dropped and created again',
    );
  }
  lines.push(`compare both sides when it has caught up; to copy everything again: rowcast offsets reset ${name}`);
  return lines;
}
