import { expect, test } from 'vitest';
import type { Control } from '../../../src/change/batch.ts';
import type { TableState } from '../../../src/change/ddl.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { RecordError } from '../../../src/errors.ts';
import { decodeControl, encodeControl } from '../../../src/log/protocol/control-codec.ts';
import { encodeJson } from '../../../src/log/protocol/records.ts';

const noTable = (): TableSchema => {
  throw new Error('No table is referred to');
};

function wide(columns: number): TableState {
  const type = {
    oid: 23,
    name: 'pg_catalog.int4',
    declared: 'integer',
    modifier: -1,
    kind: 'base',
    base: 'pg_catalog.int4',
    baseModifier: -1,
  } as const;
  return {
    kind: 'table',
    table: {
      relationId: 1,
      schema: 'public',
      name: 'wide',
      version: 0,
      key: [0],
      identity: 'default',
      columns: Array.from({ length: columns }, (_, i) => ({
        name: `${'column'.repeat(8)} ${i}`,
        attnum: i + 1,
        type,
        nullable: i > 0,
      })),
    },
    isUnlogged: false,
    constraints: [],
    indexes: [],
    options: [],
    comment: null,
    comments: {},
  };
}

function ddl(columns: number): Control {
  const state = wide(columns);
  return { kind: 'ddl', ddl: { id: 1, tag: 'ALTER TABLE', session: {}, changes: [{ before: state, after: state }] } };
}

test('a statement on the widest table stays far below what a topic takes', () => {
  const control = ddl(1600);
  const bytes = encodeControl(control);
  expect(JSON.stringify(control).length).toBeGreaterThan(700_000);
  expect(bytes.length).toBeLessThan(100_000);
  expect(decodeControl(bytes, 'shop.schema-changes', noTable)).toEqual(control);
});

test('a small statement is plain JSON', () => {
  const bytes = encodeControl(ddl(3));
  expect(JSON.parse(bytes.toString('utf8', 1))).toEqual(ddl(3));
  expect(decodeControl(bytes, 'shop.schema-changes', noTable)).toEqual(ddl(3));
});

test('what cannot be inflated is named', () => {
  const record = encodeJson({ kind: 'ddl', deflated: 'no deflate' });
  expect(() => decodeControl(record, 'shop.schema-changes', noTable)).toThrow(RecordError);
});

const COLUMN = {
  name: 'id',
  attnum: 1,
  type: { name: 'pg_catalog.int4', declared: 'integer', base: 'pg_catalog.int4' },
};
const TABLE = {
  relationId: 1,
  version: 1,
  schema: 'public',
  name: 't',
  columns: [COLUMN],
  key: [0],
  identity: 'default',
};

test.each<[string, object]>([
  ['a table without columns', { kind: 'table', table: { ...TABLE, columns: undefined } }],
  ['a column that is none', { kind: 'table', table: { ...TABLE, columns: [null] } }],
  ['a column without type', { kind: 'table', table: { ...TABLE, columns: [{ ...COLUMN, type: null }] } }],
  ['a key of a column that is not there', { kind: 'table', table: { ...TABLE, key: [1] } }],
  ['a key that is none', { kind: 'table', table: { ...TABLE, key: 'id' } }],
  ['a statement that is none', { kind: 'ddl' }],
  ['a statement without changes', { kind: 'ddl', ddl: { id: 1, tag: 'CREATE', session: {} } }],
  ['a change of nothing', { kind: 'ddl', ddl: { id: 1, tag: 'CREATE', session: {}, changes: [{}] } }],
  [
    'a change of a table that is none',
    { kind: 'ddl', ddl: { id: 1, tag: 'A', session: {}, changes: [{ after: { kind: 'table' } }] } },
  ],
  [
    'a change of a type without schema',
    { kind: 'ddl', ddl: { id: 1, tag: 'A', session: {}, changes: [{ after: { kind: 'enum', name: 'mood' } }] } },
  ],
  [
    'a change of something unknown',
    { kind: 'ddl', ddl: { id: 1, tag: 'A', session: {}, changes: [{ after: { kind: 'x', schema: 'a', name: 'b' } }] } },
  ],
  ['sequences that are none', { kind: 'sequences' }],
  ['a sequence without place', { kind: 'sequences', sequences: [{ schema: 'public', name: 's', columns: [] }] }],
  ['tables that have no number', { kind: 'truncate', tables: [{}], cascade: false, restartIdentity: false }],
])('%s is a record that cannot be read, and no bug behind it', (_, json) => {
  expect(() => decodeControl(encodeJson(json), 'shop.schema-changes', () => TABLE as unknown as TableSchema)).toThrow(
    RecordError,
  );
});

test('a table that is one is read', () => {
  expect(decodeControl(encodeJson({ kind: 'table', table: TABLE }), 't', noTable)).toEqual({
    kind: 'table',
    table: TABLE,
  });
});
