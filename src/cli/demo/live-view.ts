import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ChangeCounts } from '../../observe/change-counts.ts';
import { isLsnPosition, parseLsn, positionToLsn } from '../../postgres/lsn.ts';
import type { ConnectorStatus, SinkStatus, SourceStatus } from '../../worker/status.ts';
import type { Screen } from './screen.ts';

const TICK_MS = 1000;

/** The two connectors of the demo as they are now. */
export interface Pair {
  readonly source: SourceStatus;
  readonly sink: SinkStatus;
}

/** Finds the source and the sink among the connectors; undefined when there is not one of each. */
export function pairOf(statuses: readonly ConnectorStatus[]): Pair | undefined {
  const source = statuses.find((status) => status.kind === 'source');
  const sink = statuses.find((status) => status.kind === 'sink');
  return source && sink ? { source, sink } : undefined;
}

/** Shows, once a second until `signal` aborts, what is streamed and how far the replica is behind. */
export async function showLive(
  screen: Screen,
  pair: () => Pair,
  source: pg.Client,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  let before = look(pair());
  while (await tick(signal)) {
    const { source: from, sink } = pair();
    const now = look({ source: from, sink });
    const parts = [`lag ${await lagText(sink, source)}`, ...rates(before, now), ...states(from, sink)];
    const seconds = Math.round((now.at - startedAt) / 1000);
    screen.live(`${String(seconds).padStart(4)}s  ${parts.join(' · ')}`);
    before = now;
  }
}

/** Counters at one moment. */
interface Look {
  readonly at: number;
  readonly counts: ChangeCounts;
  readonly multiTable: number;
}

function look({ source, sink }: Pair): Look {
  const multiTable = source.counts.multiTableTransactions;
  return { at: performance.now(), counts: { ...sink.counts.changes }, multiTable };
}

function rates(before: Look, now: Look): readonly string[] {
  const rate = (name: string, more: number): string => `${name} ${Math.round((more * 1000) / (now.at - before.at))}/s`;
  const copied = now.counts.copied - before.counts.copied;
  return [
    ...(copied > 0 ? [`copied ${copied}`] : []),
    rate('insert', now.counts.inserts - before.counts.inserts),
    rate('update', now.counts.updates - before.counts.updates),
    rate('delete', now.counts.deletes - before.counts.deletes),
    rate('key change', now.counts.keyChanges - before.counts.keyChanges),
    rate('multi-table', now.multiTable - before.multiTable),
  ];
}

async function lagText({ counts, lagMs }: SinkStatus, source: pg.Client): Promise<string> {
  if (counts.position === undefined) return 'unknown yet';
  const time = lagMs === undefined ? 'unknown' : `${Math.round(lagMs)} ms`;
  if (!isLsnPosition(counts.position)) return time;
  const { rows } = await source.query<{ lsn: string }>(/* sql */ `select pg_catalog.pg_current_wal_lsn()::text as lsn`);
  const behind = Math.max(0, parseLsn(rows[0]?.lsn ?? '0/0') - positionToLsn(counts.position));
  return `${lagMs === undefined ? '' : `${time}, `}${bytesText(behind)}`;
}

function bytesText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}

/** What is not streaming, and why. */
function states(...statuses: readonly ConnectorStatus[]): readonly string[] {
  const unusual = statuses.filter(({ state }) => state !== 'streaming');
  return unusual.map(({ name, state, failure }) => `${name}: ${state}${failure ? ` (${failure.message})` : ''}`);
}

async function tick(signal: AbortSignal): Promise<boolean> {
  await sleep(TICK_MS, undefined, { signal }).catch(() => {}); // aborted: the answer says so
  return !signal.aborted;
}
