import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Batch, NULL, Op } from '../../change/batch.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { lookUpRelation } from '../../postgres/catalog.ts';
import { connect } from '../../postgres/connect.ts';
import { postgresError } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { VoidCopyError } from '../source.ts';
import type { Incomplete } from './catch-up.ts';
import type { FirstCopyParts } from './first-copy.ts';
import { visibleIn } from './visibility.ts';

/** A transaction whose commit is in the WAL may be invisible for as long as a synchronous standby is away (F11). */
const VISIBLE_DELAY_MS = 20;

/** Keys of one query. */
const KEYS_AT_ONCE = 200;

/** Reads single rows of the source again, on a connection that is opened when the first one is asked for. */
export class Rereader implements AsyncDisposable {
  readonly #parts: Pick<FirstCopyParts, 'settings' | 'application'>;
  #client: pg.Client | undefined;

  constructor(parts: Pick<FirstCopyParts, 'settings' | 'application'>) {
    this.#parts = parts;
  }

  /**
   * Completes the changes (see `Complete`), each as of a snapshot that shows its own transaction: one that does not would show the row under its
   * old key still. Throws VoidCopyError when a table is not what it was.
   */
  async complete(changes: readonly Incomplete[], signal: AbortSignal): Promise<number> {
    const { settings, application } = this.#parts;
    this.#client ??= await connect(settings.connection, application, {}, signal);
    const client = this.#client;
    try {
      for (;;) {
        signal.throwIfAborted();
        await client.query(/* sql */ `begin isolation level repeatable read read only`);
        const isVisible = await showsAll(client, changes.map(xidOf));
        if (isVisible) for (const [table, each] of byTable(changes)) await fillAll(client, table, each);
        await client.query(/* sql */ `commit`);
        if (isVisible) break;
        await sleep(VISIBLE_DELAY_MS, undefined, { signal });
      }
      const { rows } = await client.query<{ lsn: string }>(
        /* sql */ `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn`,
      );
      return parseLsn(rows[0]?.lsn ?? '');
    } catch (error) {
      this.#client = undefined;
      await client.end(); // whatever state its transaction is in
      signal.throwIfAborted();
      throw postgresError(error, 'Cannot read rows again whose values the stream does not tell');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.end();
  }
}

function xidOf({ batch, change }: Incomplete): number {
  return batch.transactions[batch.transaction[change] as number]?.xid ?? 0;
}

async function showsAll(client: pg.ClientBase, xids: readonly number[]): Promise<boolean> {
  const { rows } = await client.query<{ snapshot: string }>(
    /* sql */ `select pg_catalog.pg_current_snapshot()::text as snapshot`,
  );
  return xids.every(visibleIn(rows[0]?.snapshot ?? ''));
}

function byTable(changes: readonly Incomplete[]): Map<TableSchema, Incomplete[]> {
  const tables = new Map<TableSchema, Incomplete[]>();
  for (const each of changes) {
    const table = each.batch.tables[each.batch.table[each.change] as number] as TableSchema;
    const known = tables.get(table);
    if (known === undefined) tables.set(table, [each]);
    else known.push(each);
  }
  return tables;
}

async function fillAll(client: pg.ClientBase, table: TableSchema, changes: readonly Incomplete[]): Promise<void> {
  await assertSame(client, table);
  const columns = [...new Set(changes.flatMap((each) => each.columns))];
  const from = await prepare(client, table);
  for (let at = 0; at < changes.length; at += KEYS_AT_ONCE) {
    const some = changes.slice(at, at + KEYS_AT_ONCE);
    const keys = some.map(({ batch, change }) => keyOf(batch, table, batch.after[change] as number));
    const rows = await readRows(client, { table, from, columns }, keys);
    for (const [n, each] of some.entries()) fill(each, columns, rows.get(JSON.stringify(keys[n])));
  }
}

function fill({ batch, change, columns }: Incomplete, read: readonly number[], row?: readonly (string | null)[]): void {
  if (row === undefined) {
    // Deleted, or under another key (or another text of it), by a transaction that the stream is still to bring.
    batch.op[change] = Op.delete;
    batch.after[change] = -1;
    return;
  }
  const after = batch.after[change] as number;
  for (const column of columns) setCell(batch, after + column, row[read.indexOf(column)] ?? null);
}

function keyOf(batch: Batch, { key }: TableSchema, row: number): string[] {
  return key.map((ordinal) => {
    const at = 2 * (row + ordinal);
    return batch.bytes.toString('utf8', batch.cells[at], batch.cells[at + 1]);
  });
}

function setCell(batch: Batch, cell: number, text: string | null): void {
  if (text === null) {
    batch.cells[2 * cell] = 0;
    batch.cells[2 * cell + 1] = NULL;
    return;
  }
  const size = Buffer.byteLength(text);
  const at = batch.reserve(size);
  batch.byteLength = at + batch.bytes.write(text, at, 'utf8');
  batch.cells[2 * cell] = at;
  batch.cells[2 * cell + 1] = batch.byteLength;
}

/** Lets the key's operators be found, which for types of extensions stand in their schemas; returns the table as SQL names it. */
async function prepare(client: pg.ClientBase, table: TableSchema): Promise<string> {
  const types = table.key.map((ordinal) => table.columns[ordinal]?.type.oid ?? 0);
  const { rows } = await client.query<{ partitioned: boolean }>(
    /* sql */ `select set_config('search_path', (select coalesce(string_agg(distinct quote_ident(n.nspname), ', '), '')
        from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where t.oid = any($1)), true),
      (select relkind = 'p' from pg_catalog.pg_class where oid = $2) as partitioned`,
    [types, table.relationId],
  );
  return `${rows[0]?.partitioned === true ? '' : 'only '}${qualified(table.schema, table.name)}`;
}

interface Wanted {
  readonly table: TableSchema;
  readonly from: string;
  readonly columns: readonly number[];
}

/** The rows that there are, by the texts of their keys. */
async function readRows(
  client: pg.ClientBase,
  { table, from, columns }: Wanted,
  keys: readonly (readonly string[])[],
): Promise<Map<string, readonly (string | null)[]>> {
  const nameOf = (ordinal: number): string => quoteIdentifier(table.columns[ordinal]?.name ?? '');
  const equals = (ordinal: number, text: string): string =>
    `${nameOf(ordinal)} = ${quoteLiteral(text)}::${table.columns[ordinal]?.type.base}`;
  const wanted = keys.map(
    (key) => `(${table.key.map((ordinal, n) => equals(ordinal, key[n] as string)).join(' and ')})`,
  );
  const { rows } = await client.query<(string | null)[]>({
    text: /* sql */ `select ${[...table.key, ...columns].map(nameOf).join(', ')} from ${from} where ${wanted.join(' or ')}`,
    rowMode: 'array',
    types: { getTypeParser: () => (text: string) => text },
  });
  const { length } = table.key;
  return new Map(rows.map((row) => [JSON.stringify(row.slice(0, length)), row.slice(length)]));
}

/** Values of another shape of the table are not what the stream left out. */
async function assertSame(client: pg.ClientBase, table: TableSchema): Promise<void> {
  const now = await lookUpRelation(client, table.relationId);
  const isSame =
    now?.schema === table.schema &&
    now.name === table.name &&
    table.columns.every((column) => {
      const same = now.columns.find(({ attnum }) => attnum === column.attnum);
      const { oid, modifier } = same?.type ?? {};
      return same?.name === column.name && oid === column.type.oid && modifier === column.type.modifier;
    });
  if (isSame) return;
  throw new VoidCopyError(
    `Table ${tableName(table)} was altered before its interrupted copy was consistent: it begins anew`,
  );
}
