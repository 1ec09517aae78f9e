import { Findings, type Finding } from '../../../finding.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import type { WalSourceSettings } from '../settings.ts';
import type { TableFacts } from '../../capture/preflight/table-facts.ts';

/** Rows above this, and a record may be more than brokers take by default (1 MB). */
const WIDE_BYTES = 200_000;

/** Judges each captured table: rights, replica identity, what the copy and the stream would not show. */
export function judgeTables(
  tables: readonly TableFacts[],
  settings: WalSourceSettings,
  filter: CaptureFilter,
): readonly Finding[] {
  const found = new Findings();
  judgeRights(tables, settings, found);
  for (const table of tables) {
    judgeIdentity(table, found);
    judgeHidden(table, settings, found);
    judgeColumns(table, filter, found);
    judgeWidth(table, found);
  }
  if (found.isOk('replica identity') && tables.length > 0)
    found.ok('replica identity', 'captured tables', 'Updates and deletes of every table can be told apart.');
  return found.all;
}

/** The first copy reads the tables; the stream needs no rights on them. */
function judgeRights(
  tables: readonly TableFacts[],
  { connection, snapshotMode }: WalSourceSettings,
  found: Findings,
): void {
  if (snapshotMode === 'no_data') return;
  const role = quoteIdentifier(connection.user);
  for (const schema of new Set(tables.filter(({ mayUseSchema }) => !mayUseSchema).map((table) => table.schema))) {
    const grant = /* sql */ `grant usage on schema ${quoteIdentifier(schema)} to ${role};`;
    found.problem(
      'rights',
      `schema ${schema}`,
      `Role ${connection.user} may not use it, so its tables cannot be copied.`,
      grant,
    );
  }
  for (const { schema, name, maySelect } of tables) {
    if (maySelect) continue;
    const grant = /* sql */ `grant select on table ${qualified(schema, name)} to ${role};`;
    found.problem(
      'rights',
      `table ${schema}.${name}`,
      `Role ${connection.user} may not read it, so it cannot be copied.`,
      grant,
    );
  }
  if (found.isOk('rights') && tables.length > 0)
    found.ok('rights', `role ${connection.user}`, `It may read all captured tables (${tables.length}).`);
}

function judgeIdentity(facts: TableFacts, found: Findings): void {
  const { schema, name, table, hasIdentityIndex, uniqueIndex, partitionWithoutKey } = facts;
  const object = `table ${schema}.${name}`;
  const head = /* sql */ `alter table ${qualified(schema, name)} replica identity`;
  const fix = uniqueIndex === null ? `${head} full;` : `${head} using index ${quoteIdentifier(uniqueIndex)};`;
  const effect =
    'once it is published, the server refuses every update and delete of it, also those of the application';
  if (table.identity === 'full') {
    if (table.key.length > 0) return;
    found.warning(
      'replica identity',
      object,
      'It has no key and its replica identity is full: every update and delete logs the whole row, and the replica finds rows by all their values.',
      uniqueIndex === null ? undefined : fix,
    );
  } else if (table.identity === 'nothing') {
    found.problem(
      'replica identity',
      object,
      `Its replica identity is nothing: ${effect}.`,
      table.key.length > 0 ? `${head} default;` : fix,
    );
  } else if (!hasIdentityIndex) {
    const why =
      table.identity === 'index'
        ? 'The index of its replica identity is gone'
        : 'It has no primary key and no replica identity';
    found.problem('replica identity', object, `${why}: ${effect}.`, fix);
  } else if (partitionWithoutKey !== null) {
    found.problem(
      'replica identity',
      object,
      `Its partition ${partitionWithoutKey} has no replica identity: ${effect}.`,
      /* sql */ `alter table ${partitionWithoutKey} replica identity ${table.identity === 'default' ? 'default' : 'full'};`,
    );
  }
}

function judgeHidden(
  { schema, name, hidesRows }: TableFacts,
  { connection, snapshotMode }: WalSourceSettings,
  found: Findings,
): void {
  if (!hidesRows || snapshotMode === 'no_data') return;
  found.problem(
    'row security',
    `table ${schema}.${name}`,
    `A row security policy would hide rows from role ${connection.user}: the copy would not be whole, so it is refused.`,
    /* sql */ `alter role ${quoteIdentifier(connection.user)} bypassrls;`,
  );
}

function judgeColumns({ schema, name, table }: TableFacts, filter: CaptureFilter, found: Findings): void {
  const object = `table ${schema}.${name}`;
  const kept = table.key
    .map((ordinal) => table.columns[ordinal]?.name ?? '')
    .filter((column) => !filter.column(schema, name, column));
  if (kept.length > 0) {
    found.warning(
      'column filter',
      object,
      `Its key needs ${kept.join(', ')}, which the column filters leave out: key columns are captured whatever they say.`,
    );
  }
  const generated = table.columns.filter((column) => column.generated !== undefined).map((column) => column.name);
  if (generated.length > 0) {
    found.ok('generated columns', object, `${generated.join(', ')}: computed by the replica itself.`);
  }
}

function judgeWidth({ schema, name, bytesPerRow }: TableFacts, found: Findings): void {
  if (bytesPerRow === null || bytesPerRow < WIDE_BYTES) return;
  const kilobytes = Math.round(bytesPerRow / 1000);
  found.warning(
    'wide rows',
    `table ${schema}.${name}`,
    `Its rows have about ${kilobytes} kB on disk: some may be larger than a record batch that the brokers take.`,
    '"topic.creation.default.max.message.bytes": "16777216"',
  );
}
