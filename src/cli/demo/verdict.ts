import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { isPollPosition } from '../../source/query/poll-state.ts';
import { type Comparison, compareTable } from '../../verify/compare.ts';
import type { Pair } from './live-view.ts';
import type { Screen } from './screen.ts';
import { SHOP_TABLES } from './shop-schema.ts';

/** Compares all tables byte by byte and says so; true when they are equal. */
export async function compareShops(
  source: ConnectionSettings,
  replica: ConnectionSettings,
  screen: Screen,
): Promise<boolean> {
  const comparisons: Comparison[] = [];
  const left = await connect(source, 'rowcast compare');
  try {
    const right = await connect(replica, 'rowcast compare');
    try {
      for (const name of SHOP_TABLES) comparisons.push(await compareTable(left, right, { schema: 'public', name }));
    } finally {
      await right.end();
    }
  } finally {
    await left.end();
  }
  return tellComparisons(comparisons, screen);
}

/** Prints what was streamed; true when every kind of change was. */
export function tellStreamed({ source, sink }: Pair, screen: Screen): boolean {
  const { inserts, updates, deletes, keyChanges } = sink.counts.changes;
  if (isPolled(source)) screen.line(`polled: ${polledRows({ source, sink })} rows, ${deletes} deletes`);
  else {
    const multiTable = source.counts.multiTableTransactions;
    screen.line(
      `streamed: ${inserts} inserts, ${updates} updates, ${deletes} deletes, ${keyChanges} key changes, ${multiTable} multi-table transactions`,
    );
  }
  const isWhole = isEveryKindStreamed({ source, sink });
  if (!isWhole) screen.line('not every kind of change was streamed: that proves nothing');
  return isWhole;
}

/** True when changes of all kinds have reached the replica, not counting the first copy. */
export function isEveryKindStreamed({ source, sink }: Pair): boolean {
  const { inserts, updates, deletes, keyChanges } = sink.counts.changes;
  if (isPolled(source)) return polledRows({ source, sink }) > 0 && deletes > 0;
  return [inserts, updates, deletes, keyChanges, source.counts.multiTableTransactions].every((count) => count > 0);
}

/** A poll tells which rows are there, and which have gone: not what was done to them. */
function isPolled({ progress }: Pair['source']): boolean {
  return progress.position !== undefined && isPollPosition(progress.position);
}

/** Rows that came after the first copy. */
function polledRows({ source, sink }: Pair): number {
  return Math.max(0, sink.counts.changes.copied - (source.progress.snapshot?.rows ?? 0));
}

function tellComparisons(comparisons: readonly Comparison[], screen: Screen): boolean {
  const different = comparisons.filter(({ difference }) => difference !== undefined);
  for (const { table, difference } of different) {
    const columns = difference?.columns.length ? ` (${difference.columns.join(', ')})` : '';
    screen.line(
      `${table.schema}.${table.name}: ${difference?.what}${columns}, first at row ${difference?.row} in key order`,
    );
  }
  if (different.length > 0) {
    screen.line(`replica differs from source: ${different.length} of ${comparisons.length} tables`);
    return false;
  }
  const rows = comparisons.reduce((sum, comparison) => sum + comparison.rows, 0);
  screen.line(`replica equals source: ${comparisons.length} tables, ${rows} rows`);
  return true;
}
