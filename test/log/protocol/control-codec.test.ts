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
