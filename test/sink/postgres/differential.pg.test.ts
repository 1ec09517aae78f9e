import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReplicaIdentity, TableSchema } from '../../../src/change/table-schema.ts';
import { quoteLiteral } from '../../../src/postgres/identifier.ts';
import {
  type Cell,
  type Change,
  control,
  insert,
  keyChange,
  read,
  remove,
  table,
  unchanged,
  update,
  updateFrom,
} from '../batches.ts';
import { type Replica, replica } from './replica.ts';

/** One operation, applied to a table by plain SQL and sent to the sink as the change that a source would send. */
type Wish =
  | {
      readonly kind: 'put' | 'remove';
      readonly id: number;
      readonly name: Cell;
      readonly big: Cell;
      readonly u: number;
    }
  | { readonly kind: 'rekey'; readonly id: number; readonly to: number; readonly name: Cell; readonly big: Cell }
  | { readonly kind: 'truncate' };

const text = fc.oneof(fc.constantFrom<Cell>(null, '', '\\.', '\\N', "'", 'a\tb\nc\\d\re', '€😀'), fc.string());
const id = fc.integer({ min: 1, max: 12 });
const sendable = fc.oneof(text, fc.constant<Cell>(unchanged));
const wish: fc.Arbitrary<Wish> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('put', 'put', 'remove'), id, name: sendable, big: sendable, u: id }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('rekey' as const), id, to: id, name: sendable, big: sendable }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const) }) },
) as fc.Arbitrary<Wish>;

const COLUMNS = 'id int, name text, big text, u int';
const noZero = (cell: Cell): Cell => (typeof cell === 'string' ? cell.replaceAll('\0', '') : cell);

type Row = [string, Cell, Cell, string];

/** Rows by id; secondary unique values never collide after an operation, but move from row to row. */
class Model {
  readonly rows = new Map<string, Row>();
  readonly sql: string[] = [];
  readonly #schema: TableSchema;

  constructor(schema: TableSchema) {
    this.#schema = schema;
  }

  enact(w: Wish): Change[] {
    if (w.kind === 'truncate') {
      this.rows.clear();
      this.sql.push('truncate plain');
      return [control({ kind: 'truncate', tables: [this.#schema], cascade: false, restartIdentity: false })];
    }
    const old = this.rows.get(String(w.id));
    if (w.kind === 'rekey')
      return old === undefined || this.rows.has(String(w.to))
        ? []
        : this.#update(old, [String(w.to), noZero(w.name), noZero(w.big), old[3]]);
    if (w.kind === 'remove') return old === undefined ? [] : this.#remove(old);
    const isTaken = [...this.rows.values()].some((row) => row[3] === String(w.u) && row[0] !== String(w.id));
    if (isTaken) return [];
    const row: Row = [String(w.id), noZero(w.name), noZero(w.big), String(w.u)];
    return old === undefined
      ? this.#insert(row.map((cell) => (cell === unchanged ? 'new' : cell)) as Row)
      : this.#update(old, row);
  }

  #insert(row: Row): Change[] {
    this.rows.set(row[0], row);
    this.sql.push(`insert into plain values (${row.map(literal).join(', ')})`);
    return [insert(this.#schema, ...row)];
  }

  #remove(old: Row): Change[] {
    this.rows.delete(old[0]);
    this.sql.push(`delete from plain where id = ${old[0]}`);
    return [remove(this.#schema, ...this.#old(old))];
  }

  #update(old: Row, sent: Row): Change[] {
    const now = sent.map((cell, c) => (cell === unchanged ? old[c] : cell)) as Row;
    this.rows.delete(old[0]);
    this.rows.set(now[0], now);
    const sets = ['id', 'name', 'big', 'u'].map((name, c) => `${name} = ${literal(now[c] as Cell)}`);
    this.sql.push(`update plain set ${sets.join(', ')} where id = ${old[0]}`);
    if (now[0] !== old[0] && this.#schema.key.length > 0) return [keyChange(this.#schema, this.#old(old), sent)];
    return this.#schema.identity === 'full' ? [updateFrom(this.#schema, old, sent)] : [update(this.#schema, ...sent)];
  }

  #old(row: Row): Cell[] {
    return this.#schema.identity === 'full' ? row : [row[0], null, null, null];
  }
}

const literal = (cell: Cell): string => (cell === null ? 'null' : quoteLiteral(cell as string));

async function contents(target: Replica, name: string): Promise<unknown> {
  return await target.database.query(`select t::text as row from ${name} t order by 1`);
}

const keyed = (identity: ReplicaIdentity): TableSchema =>
  table('items', ['id int*', 'name text', 'big text', 'u int'], { identity });
const cases: [string, TableSchema, string][] = [
  ['with a key', keyed('default'), 'primary key (id)'],
  ['with a key and a unique column', keyed('default'), 'primary key (id), unique (u)'],
  ['with a key under identity full', keyed('full'), 'primary key (id), unique (u)'],
  [
    'without a key',
    table('items', ['id int', 'name text', 'big text', 'u int'], { identity: 'full' }),
    'check (id > 0)',
  ],
];

for (const [title, schema, constraints] of cases) {
  test(`a table ${title} is what the same operations as plain SQL make of it`, async () => {
    await using target = await replica(
      {},
      `create table plain (${COLUMNS}); create table items (${COLUMNS}, ${constraints})`,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(wish, { maxLength: 25 }), { maxLength: 4 }),
        fc.boolean(),
        async (chunks, apart) => {
          const model = new Model(schema);
          const changes = chunks.map((chunk) => chunk.flatMap((w) => model.enact(w)));
          await target.database.query(['truncate plain', ...model.sql].join(';'));
          const all = [
            [control({ kind: 'truncate', tables: [schema], cascade: false, restartIdentity: false })],
            ...changes,
          ];
          if (!apart) await target.apply(...all);
          else for (const chunk of all) await target.apply(chunk);
          expect(await contents(target, 'items')).toEqual(await contents(target, 'plain'));
        },
      ),
      { numRuns: 60 },
    );
  });
}

test('a copy whose rows the stream brings again ends as the source', async () => {
  await using target = await replica(
    {},
    `create table plain (${COLUMNS}); create table items (${COLUMNS}, primary key (id))`,
  );
  const schema = keyed('default');
  const whole = wish.map(
    (w): Wish =>
      'name' in w ? { ...w, name: w.name === unchanged ? 'x' : w.name, big: w.big === unchanged ? 'y' : w.big } : w,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(whole, { maxLength: 40 }), fc.nat(), async (wishes, at) => {
      const model = new Model(schema);
      const stream = wishes.filter((w) => w.kind !== 'truncate').map((w) => model.enact(w));
      // The snapshot is taken somewhere inside the stream, which is then replayed from its beginning.
      const before = new Model(schema);
      for (const w of wishes.filter((w) => w.kind !== 'truncate').slice(0, at % (wishes.length + 1))) before.enact(w);
      await target.database.query(['truncate plain', ...model.sql].join(';'));
      const { batchOf } = await import('../batches.ts');
      const copy = batchOf(
        [
          control({ kind: 'snapshot-begin', tables: [schema] }),
          ...[...before.rows.values()].map((row) => read(schema, ...row)),
        ],
        false,
      );
      await target.apply(
        [control({ kind: 'truncate', tables: [schema], cascade: false, restartIdentity: false })],
        copy,
        batchOf(stream.flat(), false),
      );
      expect(await contents(target, 'items')).toEqual(await contents(target, 'plain'));
    }),
    { numRuns: 40 },
  );
});
