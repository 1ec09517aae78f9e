import { Batch, Op } from '../../src/change/batch.ts';
import type { Column, TableSchema } from '../../src/change/table-schema.ts';
import { addRow, type Cell, column, numericModifier, TRANSACTION, table } from '../../test/converter/fixture.ts';

/** Rows of one shape, enough for some milliseconds of work. */
export interface Rows {
  readonly schema: TableSchema;
  readonly texts: readonly (readonly Cell[])[];
}

/** Rows as W1 has them. */
export function narrowRows(count: number): Rows {
  const columns = [
    column('id', 'int8', { nullable: false }),
    column('a', 'int4', { nullable: false }),
    column('b', 'int4', { nullable: false }),
    column('t', 'text', { nullable: false }),
    column('ts', 'timestamptz', { nullable: false }),
  ];
  return { schema: table(columns, { identity: 'default' }), texts: made(count, narrow) };
}

/** Rows of many types, some of them NULL. */
export function wideRows(count: number): Rows {
  const columns: Column[] = [
    column('id', 'int8', { nullable: false }),
    ...[
      'int4',
      'int4',
      'int2',
      'int8',
      'float4',
      'float8',
      'bool',
      'date',
      'timestamp',
      'timestamptz',
      'uuid',
      'jsonb',
      'bytea',
      'text',
      'varchar',
    ].map((type, i) => column(`c${i}`, type)),
    column('n1', 'numeric', { modifier: numericModifier(12, 2) }),
    column('n2', 'numeric', { modifier: numericModifier(38, 10) }),
  ];
  return { schema: table(columns, { identity: 'default' }), texts: made(count, wide) };
}

/** A batch with an insert for each row, 100 per transaction. */
export function batchOf({ schema, texts }: Rows): Batch {
  const batch = new Batch();
  batch.tables.push(schema);
  texts.forEach((row, i) => {
    if (i % 100 === 0) {
      const more = { xid: TRANSACTION.xid + i, commitLsn: TRANSACTION.commitLsn + i };
      batch.transactions.push({ ...TRANSACTION, ...more });
    }
    batch.addChange(Op.insert, 0, batch.transactions.length - 1, TRANSACTION.commitLsn + i, -1, addRow(batch, row));
  });
  return batch;
}

function made(count: number, row: (i: number) => readonly Cell[]): (readonly Cell[])[] {
  return Array.from({ length: count }, (_, i) => row(i));
}

const hash = (i: number): string => ((i * 2654435761) >>> 0).toString(16).padStart(8, '0').repeat(4);
const time = (i: number): string =>
  `2026-01-01 10:${String(i % 60).padStart(2, '0')}:07.${String((i % 999_983) + 1)
    .padStart(6, '0')
    .replace(/0+$/, '')}`;

function narrow(i: number): readonly Cell[] {
  return [
    String(1_000_000 + i),
    String((i * 7919) % 100_003),
    String((i * 104_729) % 1_000_003),
    (hash(i) + hash(i + 1)).slice(0, 50),
    `${time(i)}+00`,
  ];
}

function wide(i: number): readonly Cell[] {
  const uuid = hash(i).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
  const json = `{"id": ${i}, "name": "${hash(i)}", "tags": ["${hash(i)}", ${i}, true, null]}`;
  const numbers = [
    String(i % 1000),
    i % 7 === 0 ? null : String(i % 77),
    String(i % 30_000),
    String(i * 1_000_003),
    String((i % 1000) / 8),
    String(i / 8),
  ];
  const times = ['2020-03-01', time(i), `${time(i)}+00`];
  const rest = [uuid, json, `\\x${hash(i)}${hash(i + 1)}`, i % 5 === 0 ? null : `text ${i}`, hash(i).slice(0, 20)];
  return [
    String(i),
    ...numbers,
    i % 2 === 0 ? 't' : 'f',
    ...times,
    ...rest,
    `${i % 10_000}.25`,
    `${i * 1_234_567}.0123456789`,
  ];
}
