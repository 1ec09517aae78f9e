import { sourceConnection } from '../../connector/connection-of.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { describeError } from '../../errors.ts';
import { checkpointsTopic } from '../../log/protocol/topics.ts';
import { ownerOf } from '../../pipeline/gap.ts';
import { type History, readHistory } from '../../pipeline/ledger.ts';
import { formatLsn, positionToLsn } from '../../postgres/lsn.ts';
import { reportSlot, type SlotReport } from '../../source/wal/slot.ts';
import { onDatabase } from './connections.ts';
import type { ConnectorOffsets, OperateContext } from './context.ts';
import { bytesText, lsnText, timeText } from './text.ts';

export type SourceFile = Extract<ConnectorFile, { kind: 'PostgresWalSource' }>;

/** The source's last checkpoint that counts, and where its slot stands on the server. */
export async function sourceOffsets(
  { log }: OperateContext,
  connector: SourceFile,
  signal: AbortSignal,
): Promise<ConnectorOffsets> {
  const { slot: name, topicPrefix } = connector.config;
  const history = await historyOf(log, topicPrefix, signal);
  const slot = await onDatabase(sourceConnection(connector.config), signal, (client) => reportSlot(client, name)).catch(
    (error: unknown) => describeError(error),
  );
  signal.throwIfAborted();
  const lines = [...checkpointLines(topicPrefix, history), ...slotLines(name, slot, history)];
  const checkpoint = history?.checkpoint;
  if (checkpoint === undefined) return { offsets: [], lines };
  const { position, committedAt, number, consistent, offset } = checkpoint;
  const lsn = positionToLsn(position);
  const snapshot = consistent ? {} : { snapshot: 'INITIAL' };
  const time = committedAt > 0 ? { ts_usec: committedAt * 1000 } : {};
  return {
    offsets: [
      {
        partition: { server: topicPrefix },
        offset: {
          lsn,
          lsn_proc: lsn,
          position: formatLsn(lsn),
          checkpoint: number,
          checkpoint_offset: offset,
          ...time,
          ...snapshot,
        },
      },
    ],
    lines,
  };
}

/** The history as of now; undefined when the source has never started. */
export async function historyOf(
  log: OperateContext['log'],
  prefix: string,
  signal: AbortSignal,
): Promise<History | undefined> {
  const topic = checkpointsTopic(prefix);
  if (!(await log.topics([topic], signal)).has(topic)) return undefined;
  const { end } = await log.bounds(topic, 0, signal);
  return await readHistory(log, prefix, end, signal);
}

function checkpointLines(prefix: string, history: History | undefined): string[] {
  const checkpoint = history?.checkpoint;
  if (history === undefined || checkpoint === undefined)
    return [`log     ${checkpointsTopic(prefix)} has no checkpoint`];
  const { position, number, offset, consistent, committedAt } = checkpoint;
  const owner = ownerOf(history);
  const copying = consistent ? '' : ', the first copy is not finished';
  return [
    `log     ${lsnText(position)} at checkpoint ${number} (${checkpointsTopic(prefix)}, offset ${offset})${copying}`,
    ...(committedAt > 0 ? [`        its last transaction was committed at ${timeText(committedAt)}`] : []),
    ...(owner === undefined
      ? []
      : [
          `owner   daemon ${owner.daemon} since ${timeText(owner.at)}, system ${owner.system}, timeline ${owner.timeline}`,
        ]),
    ...history.acceptances.map(
      ({ system, timeline, at }) => `        system ${system}, timeline ${timeline} was accepted at ${timeText(at)}`,
    ),
  ];
}

function slotLines(name: string, slot: SlotReport | string | undefined, history: History | undefined): string[] {
  if (typeof slot === 'string') return [`slot    "${name}" cannot be looked at: ${slot}`];
  if (slot === undefined) return [`slot    "${name}" does not exist`];
  const { confirmedLsn, restartLsn, retainedBytes, activePid, walStatus } = slot;
  const held = activePid === undefined ? 'nobody reads it' : `read by process ${activePid} of the server`;
  const at = confirmedLsn === undefined ? 'still being made' : `${formatLsn(confirmedLsn)} confirmed`;
  const kept =
    restartLsn === undefined || retainedBytes === undefined
      ? 'keeps no WAL'
      : `keeps ${bytesText(retainedBytes)} of WAL from ${formatLsn(restartLsn)} on`;
  const lines = [`slot    "${name}" ${at}, ${held}, ${kept}, wal_status ${walStatus ?? 'unknown'}`];
  const position = history?.checkpoint?.position;
  if (position === undefined || confirmedLsn === undefined) return lines;
  const ahead = confirmedLsn - positionToLsn(position);
  if (ahead > 0) lines.push(`gap     ${bytesText(ahead)}: the slot stands beyond the last checkpoint`);
  if (walStatus === 'lost') lines.push('gap     the server has removed WAL that the slot needed');
  return lines;
}
