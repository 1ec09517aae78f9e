import { sourceConnection } from '../../connector/connection-of.ts';
import type { ConnectorFile, SourceConnector } from '../../connector/load-file.ts';
import { describeError } from '../../errors.ts';
import { checkpointsTopic } from '../../log/protocol/topics.ts';
import { ownerOf } from '../../pipeline/gap.ts';
import { type History, readHistory } from '../../pipeline/ledger.ts';
import { formatLsn, isLsnPosition, positionToLsn } from '../../postgres/lsn.ts';
import { lookAtWalSource } from '../../source/wal/look.ts';
import type { SlotReport } from '../../source/wal/slot.ts';
import { walSourceSettings } from '../settings.ts';
import { APPLICATION, onDatabase } from './connections.ts';
import type { ConnectorOffsets, OperateContext } from './context.ts';
import { findObstacle, type Obstacle } from './obstacle.ts';
import { bytesText, positionText, timeText } from './text.ts';

export type SourceFile = Extract<ConnectorFile, { kind: 'PostgresWalSource' }>;

/** Where a source of whatever kind stands; what its server says too if it has a slot. */
export async function sourceOffsets(
  context: OperateContext,
  connector: SourceConnector,
  signal: AbortSignal,
): Promise<ConnectorOffsets> {
  if (connector.kind === 'PostgresWalSource') return await walOffsets(context, connector, signal);
  const { topicPrefix } = connector.config;
  const history = await historyOf(context.log, topicPrefix, signal);
  const more = { owner: (history && ownerOf(history)?.daemon) ?? null, problem: null };
  return { offsets: offsetsIn(topicPrefix, history?.checkpoint), lines: checkpointLines(topicPrefix, history), more };
}

/** The source's last checkpoint that counts, where its slot stands on the server, and whether the one goes on where the other ends. */
async function walOffsets(
  { log }: OperateContext,
  connector: SourceFile,
  signal: AbortSignal,
): Promise<ConnectorOffsets> {
  const { slot: name, topicPrefix } = connector.config;
  const looked = await lookAtSource(() => historyOf(log, topicPrefix, signal), connector, signal);
  signal.throwIfAborted();
  const history = typeof looked === 'string' ? await historyOf(log, topicPrefix, signal) : looked.history;
  const obstacle = typeof looked === 'string' ? undefined : looked.obstacle;
  const slot = typeof looked === 'string' ? looked : looked.report;
  const lines = [
    ...checkpointLines(topicPrefix, history),
    ...slotLines(name, slot, history),
    ...(obstacle === undefined ? [] : [`problem ${obstacle.message}`, `        ${obstacle.fix}`]),
  ];
  const more = {
    owner: (history && ownerOf(history)?.daemon) ?? null,
    problem: obstacle ?? null,
    ...(typeof looked === 'string' && { unknown: looked }),
  };
  return { offsets: offsetsIn(topicPrefix, history?.checkpoint), lines, more };
}

/** As Debezium has it, with members of ours. */
function offsetsIn(prefix: string, checkpoint: History['checkpoint']): ConnectorOffsets['offsets'] {
  if (checkpoint === undefined) return [];
  const { position, committedAt, number, consistent, offset } = checkpoint;
  const snapshot = consistent ? {} : { snapshot: 'INITIAL' };
  const time = committedAt > 0 ? { ts_usec: committedAt * 1000 } : {};
  const at = { ...placeIn(position), checkpoint: number, checkpoint_offset: offset };
  return [{ partition: { server: prefix }, offset: { ...at, ...time, ...snapshot } }];
}

/** Debezium's members where the position is an LSN. */
function placeIn(position: string): Readonly<Record<string, unknown>> {
  if (!isLsnPosition(position)) return { position };
  const lsn = positionToLsn(position);
  return { lsn, lsn_proc: lsn, position: formatLsn(lsn) };
}

/** A source's server beside its log. */
export interface LookedAtSource {
  /** Undefined when the log has none. */
  readonly history: History | undefined;
  /** The slot; undefined when there is none. */
  readonly report: SlotReport | undefined;
  readonly obstacle: Obstacle | undefined;
}

/**
 * Looks at the server and then reads the log: while the source runs the log is never behind what the slot showed before. A text says why the
 * server cannot be looked at; what is wrong with the log is thrown.
 */
export async function lookAtSource(
  readHistory: () => Promise<History | undefined>,
  { name, config }: SourceFile,
  signal: AbortSignal,
): Promise<LookedAtSource | string> {
  let logFailure: { readonly error: unknown } | undefined;
  try {
    return await onDatabase(sourceConnection(config), signal, async (client) => {
      const source = await lookAtWalSource(client, walSourceSettings(name, config), APPLICATION, signal);
      const history = await readHistory().catch((error: unknown) => {
        logFailure = { error };
        throw error;
      });
      const obstacle = await findObstacle(name, history, source, config.topicPrefix, signal);
      return { history, report: source.report, obstacle };
    });
  } catch (error) {
    if (logFailure !== undefined) throw logFailure.error;
    return describeError(error);
  }
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
    `log     ${positionText(position)} at checkpoint ${number} (${checkpointsTopic(prefix)}, offset ${offset})${copying}`,
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
  // What polls or triggers have read up to cannot be compared with a slot.
  if (position === undefined || !isLsnPosition(position) || confirmedLsn === undefined) return lines;
  const ahead = confirmedLsn - positionToLsn(position);
  if (ahead > 0) lines.push(`gap     ${bytesText(ahead)}: the slot stands beyond the last checkpoint`);
  if (walStatus === 'lost') lines.push('gap     the server has removed WAL that the slot needed');
  return lines;
}
