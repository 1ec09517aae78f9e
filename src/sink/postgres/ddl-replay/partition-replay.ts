import type { TableState } from '../../../change/ddl.ts';
import { OperatorError } from '../../../errors.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import { findTarget } from '../target-table.ts';
import { execute, type ReplayPlace } from './place.ts';
import { assertSafe, typesIn } from './safe.ts';
import { createTable, knownTable } from './table-replay.ts';

type Partition = NonNullable<TableState['partition']>;

/**
 * A partitioned table is one plain table on the target. So its partitions are not there; but rows that leave with one, or come with one, do so
 * without a word in the stream, and are moved here.
 */
export async function replayPartition(
  place: ReplayPlace,
  before: TableState | undefined,
  after: TableState,
  hasRows: boolean,
): Promise<void> {
  if (before?.partition !== undefined && after.partition === undefined) await leavePartition(place, before, after);
  else if (before?.partition === undefined && after.partition !== undefined) {
    await joinPartition(place, after, after.partition, hasRows);
  }
}

/**
 * Removes the rows of a partition that was dropped or detached; with `after` they move into its own table. Throws OperatorError when they cannot be
 * told from the others.
 */
export async function leavePartition(
  place: ReplayPlace,
  { table, partition }: TableState,
  after?: TableState,
): Promise<void> {
  const { session, settings } = place;
  const root = partition && settings.ddlReplay.includes('partitions') && (await findRoot(place, partition));
  if (!partition || !root) return;
  const { condition, isDefault } = partition;
  if (isDefault || condition === null || condition.includes('satisfies_hash_partition(')) {
    throw new OperatorError(
      `Partition ${table.schema}.${table.name} has left table ${root} at the source: which rows were in it cannot be told on the target`,
      {
        advice: `Delete them from ${root} by hand. Then take "partitions" out of ddl.replay until the sink is behind this statement.`,
      },
    );
  }
  await assertSafe(session, condition, `The bound of partition ${table.schema}.${table.name}`, typesIn(table));
  if (after !== undefined) await moveOut(place, root, condition, after);
  await execute(place, root, /* sql */ `delete from ${root} where ${condition}`);
}

/** A partition that is followed as a table of its own takes its rows along. */
async function moveOut(place: ReplayPlace, root: string, condition: string, after: TableState): Promise<void> {
  const { session, tables } = place;
  await createTable(place, after);
  const found = await findTarget(session, after.table, tables.nameOf(after.table));
  if (found === undefined) return; // tables are not to be created
  const name = qualified(found.facts.schema, found.facts.name);
  const list = columnList(after);
  const into = /* sql */ `insert into ${name} (${list}) overriding system value`;
  await execute(place, name, /* sql */ `${into} select ${list} from only ${root} where ${condition}`);
}

/** The columns that can be written. */
function columnList({ table }: TableState): string {
  const columns = table.columns.filter(({ generated }) => generated === undefined);
  return columns.map((column) => quoteIdentifier(column.name)).join(', ');
}

/** The rows that a table had on the target go with it into the one that it has become a partition of. */
async function joinPartition(
  place: ReplayPlace,
  state: TableState,
  partition: Partition,
  hasRows: boolean,
): Promise<void> {
  const { table } = state;
  const { session, settings, tables, signal } = place;
  const root = settings.ddlReplay.includes('partitions') && (await findRoot(place, partition));
  if (!root) return;
  const known = await knownTable(place, table);
  const found = known && (await findTarget(session, known.schema, tables.nameOf(known.schema)));
  if (found === undefined) {
    if (!hasRows) return;
    throw new OperatorError(
      `Table ${table.schema}.${table.name} has become a partition of ${root} at the source, with rows that the target does not have`,
      {
        advice: `Copy them into ${root} by hand. Then take "partitions" out of ddl.replay until the sink is behind this statement.`,
      },
    );
  }
  const name = qualified(found.facts.schema, found.facts.name);
  const list = columnList(state);
  await execute(
    place,
    root,
    /* sql */ `insert into ${root} (${list}) overriding system value select ${list} from only ${name}`,
  );
  await execute(place, name, /* sql */ `drop table ${name}`);
  await tables.known.forget(session, table.relationId, signal);
}

/** The target of the partitioned table, if the sink knows it and it is there. */
async function findRoot({ session, tables }: ReplayPlace, partition: Partition): Promise<string | undefined> {
  const to = tables.nameOf(partition);
  for (const { schema } of (await tables.known.read(session)).values()) {
    const at = tables.nameOf(schema);
    if (at.schema !== to.schema || at.name !== to.name) continue;
    if ((await findTarget(session, schema, to)) !== undefined) return qualified(to.schema, to.name);
  }
  return undefined;
}
