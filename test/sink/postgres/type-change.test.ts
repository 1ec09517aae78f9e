import { expect, test } from 'vitest';
import type { ColumnType } from '../../../src/change/table-schema.ts';
import { keepsValues } from '../../../src/sink/postgres/type-change.ts';

let oid = 1;

/** A type by its name and modifier; `over`: a domain over it. */
function type(name: string, modifier = -1, kind: ColumnType['kind'] = 'base', over?: [string, number]): ColumnType {
  const qualified = `pg_catalog.${name}`;
  const [base, baseModifier] = over ?? [name, modifier];
  const parts = { modifier, kind, base: `pg_catalog.${base}`, baseModifier };
  return { oid: oid++, name: qualified, declared: `${name}(${modifier})`, ...parts };
}

const numeric = (precision: number, scale: number): ColumnType => type('numeric', ((precision << 16) | scale) + 4);
const domain = (base: string, modifier = -1): ColumnType => type('short', -1, 'domain', [base, modifier]);

test('types that hold every value as it is are changed', () => {
  const pairs: [ColumnType, ColumnType][] = [
    [type('int2'), type('int4')],
    [type('int4'), type('int8')],
    [type('int4'), type('numeric')],
    [type('varchar', 9), type('varchar', 10)],
    [type('varchar', 9), type('varchar')],
    [type('varchar', 9), type('text')],
    [type('text'), type('varchar')],
    [type('uuid'), type('text')],
    [type('mood', -1, 'enum'), type('text')],
    [type('_int4', -1, 'array'), type('text')],
    [numeric(10, 2), numeric(12, 2)],
    [numeric(10, 2), type('numeric')],
    [type('timestamp', 3), type('timestamp', 6)],
    [domain('varchar', 9), type('varchar', 9)],
    [type('varchar', 9), domain('varchar', 12)],
    [
      { ...type('mood', -1, 'enum'), oid: 7 },
      { ...type('feeling', -1, 'enum'), oid: 7 },
    ],
  ];
  for (const [from, to] of pairs) expect([from.declared, to.declared, keepsValues(from, to)]).toContain(true);
});

test('types that cut, round, or were converted as only the source knows are not', () => {
  const pairs: [ColumnType, ColumnType][] = [
    [type('int8'), type('int4')],
    [type('int4'), numeric(10, 2)],
    [type('varchar', 9), type('varchar', 5)],
    [type('varchar'), type('varchar', 9)],
    [type('text'), type('varchar', 9)],
    [type('text'), type('int4')],
    [type('float4'), type('float8')],
    [type('bpchar', 9), type('bpchar', 7)],
    [type('timestamptz'), type('text')],
    [type('timestamp', 6), type('timestamp', 3)],
    [type('timestamptz'), type('timestamp')],
    [type('tstzrange', -1, 'range'), type('text')],
    [type('mood', -1, 'enum'), type('feeling', -1, 'enum')],
    [numeric(10, 2), numeric(12, 3)],
    [numeric(10, 2), numeric(9, 2)],
    [type('numeric'), numeric(9, 2)],
    [domain('varchar', 9), type('varchar', 5)],
    [domain('timestamptz'), type('text')],
  ];
  for (const [from, to] of pairs) expect([from.declared, to.declared, keepsValues(from, to)]).toContain(false);
});
