import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type ChangeCounts, streamedChanges } from '../../observe/change-counts.ts';
import { parseLsn, positionToLsn } from '../../postgres/lsn.ts';
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
  let before = { counts: { ...pair().sink.counts.changes }, multiTable: pair().source.counts.multiTableTransactions };
  let isFirstRowTold = false;
  while (await tick(signal)) {
    const { source: from, sink } = pair();
    const counts = { ...sink.counts.changes };
    const multiTable = from.counts.multiTableTransactions;
    if (!isFirstRowTold && counts.copied + streamedChanges(counts) > 0) isFirstRowTold = true;
    const lag = `lag ${await lagText(sink, source)}`;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const parts = [
      rates(before.counts, counts),
      `multi-table tx ${multiTable - before.multiTable}/s`,
      lag,
      states(from, sink),
    ];
    screen.live(`${String(seconds).padStart(4)}s  ${parts.filter((part) => part !== '').join(' · ')}`);
    before = { counts, multiTable };
  }
}

function rates(before: ChangeCounts, now: ChangeCounts): string {
  const copied = now.copied - before.copied;
  const streamed = [
    `insert ${now.inserts - before.inserts}/s`,
    `update ${now.updates - before.updates}/s`,
    `delete ${now.deletes - before.deletes}/s`,
    `key change ${now.keyChanges - before.keyChanges}/s`,
  ];
  return (copied > 0 ? [`copied ${copied}`, ...streamed] : streamed).join(' · ');
}

async function lagText({ counts, lagMs }: SinkStatus, source: pg.Client): Promise<string> {
  if (counts.position === undefined) return 'unknown yet';
  const { rows } = await source.query<{ lsn: string }>(/* sql */ `select pg_catalog.pg_current_wal_lsn()::text as lsn`);
  const behind = Math.max(0, parseLsn(rows[0]?.lsn ?? '0/0') - positionToLsn(counts.position));
  return `${lagMs === undefined ? '' : `${Math.round(lagMs)} ms, `}${bytesText(behind)}`;
}

function bytesText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 10_000_000 ? `${Math.round(bytes / 1000)} kB` : `${Math.round(bytes / 1_000_000)} MB`;
}

/** What is not streaming, and why. */
function states(...statuses: readonly ConnectorStatus[]): string {
  const unusual = statuses.filter(({ state }) => state !== 'streaming');
  return unusual
    .map(({ name, state, failure }) => `${name}: ${state}${failure ? ` (${failure.message})` : ''}`)
    .join(' · ');
}

async function tick(signal: AbortSignal): Promise<boolean> {
  await sleep(TICK_MS, undefined, { signal }).catch(() => {}); // aborted: the answer says so
  return !signal.aborted;
}
