import { describe, expect, test } from 'vitest';
import { incompatibilities } from '../../../src/converter/registry/compatibility.ts';
import { COMPATIBILITY_LEVELS, InvalidSchema } from '../../../src/converter/registry/registry.ts';

type Schema = unknown;

const record = (fields: readonly Schema[], extra: object = {}): Schema => ({
  type: 'record',
  name: 'R',
  fields,
  ...extra,
});
const field = (name: string, type: Schema, extra: object = {}): Schema => ({ name, type, ...extra });
const only = (type: Schema): Schema => record([field('a', type)]);
const symbols = (list: readonly string[], extra: object = {}): Schema => ({
  type: 'enum',
  name: 'E',
  symbols: list,
  ...extra,
});
const bytes = (size: number, extra: object = {}): Schema => ({ type: 'fixed', name: 'F', size, ...extra });
const array = (items: Schema): Schema => ({ type: 'array', items });
const map = (values: Schema): Schema => ({ type: 'map', values });
const list = (value: Schema, extra: object = {}): Schema =>
  record([field('value', value), field('next', ['null', 'R']), ...((extra as { more?: Schema[] }).more ?? [])]);
/** A pair, and whether the new one reads the earlier one's data (BACKWARD), and is read by it (FORWARD). */
type Case = readonly [title: string, earlier: Schema, later: Schema, backward: boolean, forward: boolean];

const cases: readonly Case[] = [
  // Primitive types and promotions.
  ['the same primitive', 'int', 'int', true, true],
  ['null stays null', 'null', 'null', true, true],
  ['int to long', 'int', 'long', true, false],
  ['int to float', 'int', 'float', true, false],
  ['int to double', 'int', 'double', true, false],
  ['long to float', 'long', 'float', true, false],
  ['long to double', 'long', 'double', true, false],
  ['float to double', 'float', 'double', true, false],
  ['string to bytes', 'string', 'bytes', true, true],
  ['bytes to string', 'bytes', 'string', true, true],
  ['int to string', 'int', 'string', false, false],
  ['int to boolean', 'int', 'boolean', false, false],
  ['double to string', 'double', 'string', false, false],
  ['boolean to null', 'boolean', 'null', false, false],
  ['float to int', 'float', 'int', false, true],
  ['bytes to fixed', 'bytes', bytes(4), false, false],
  ['int to date: logical types resolve as what they are', 'int', { type: 'int', logicalType: 'date' }, true, true],
  [
    'another scale of a decimal: logical types are not compared',
    { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
    { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 },
    true,
    true,
  ],
  // Records: fields.
  ['the same record', only('int'), only('int'), true, true],
  ['a field added with a default', record([]), record([field('a', 'int', { default: 0 })]), true, true],
  ['a field added without a default', record([]), only('int'), false, true],
  ['a nullable field added without a default', record([]), only(['null', 'int']), false, true],
  [
    'a nullable field added with null',
    record([]),
    record([field('a', ['null', 'int'], { default: null })]),
    true,
    true,
  ],
  ['a field removed that had a default', record([field('a', 'int', { default: 0 })]), record([]), true, true],
  ['a field removed that had none', only('int'), record([]), true, false],
  ['a field renamed', only('int'), record([field('b', 'int')]), false, false],
  ['a field renamed with an alias', only('int'), record([field('b', 'int', { aliases: ['a'] })]), true, false],
  [
    'a field renamed with alias and default',
    record([field('a', 'int', { default: 0 })]),
    record([field('b', 'int', { aliases: ['a'], default: 0 })]),
    true,
    true,
  ],
  [
    'a field whose own name wins over its alias',
    record([field('a', 'int'), field('b', 'string', { default: '' })]),
    record([field('a', 'int', { aliases: ['b'] })]),
    true,
    true,
  ],
  [
    'fields in another order',
    record([field('a', 'int'), field('b', 'string')]),
    record([field('b', 'string'), field('a', 'int')]),
    true,
    true,
  ],
  ['a field promoted', only('int'), only('long'), true, false],
  ['a field of another type', only('int'), only('string'), false, false],
  ['a doc added', only('int'), record([field('a', 'int', { doc: 'x' })]), true, true],
  ['a default added', only('int'), record([field('a', 'int', { default: 1 })]), true, true],
  [
    'a default changed',
    record([field('a', 'int', { default: 1 })]),
    record([field('a', 'int', { default: 2 })]),
    true,
    true,
  ],
  // Names.
  ['a record renamed', record([]), { type: 'record', name: 'S', fields: [] }, false, false],
  [
    'a record renamed with an alias',
    record([]),
    { type: 'record', name: 'S', aliases: ['R'], fields: [] },
    true,
    false,
  ],
  ['a namespace added', record([]), record([], { namespace: 'n' }), true, true],
  [
    'an alias in another namespace',
    record([], { namespace: 'n' }),
    { type: 'record', name: 'S', namespace: 'm', aliases: ['n.R'], fields: [] },
    true,
    false,
  ],
  [
    'an alias that means a name of its own namespace',
    record([], { namespace: 'n' }),
    { type: 'record', name: 'S', namespace: 'm', aliases: ['R'], fields: [] },
    false,
    false,
  ],
  ['a record becomes an enum', record([]), { type: 'enum', name: 'R', symbols: ['A'] }, false, false],
  // Enums.
  ['a symbol added', symbols(['A']), symbols(['A', 'B']), true, false],
  ['a symbol removed', symbols(['A', 'B']), symbols(['A']), false, true],
  ['symbols in another order', symbols(['A', 'B']), symbols(['B', 'A']), true, true],
  ['a symbol added, the earlier one with a default', symbols(['A'], { default: 'A' }), symbols(['A', 'B']), true, true],
  ['a symbol removed, the new one with a default', symbols(['A', 'B']), symbols(['A'], { default: 'A' }), true, true],
  ['an enum renamed', symbols(['A']), { type: 'enum', name: 'G', symbols: ['A'] }, false, false],
  [
    'an enum renamed with an alias',
    symbols(['A']),
    { type: 'enum', name: 'G', aliases: ['E'], symbols: ['A'] },
    true,
    false,
  ],
  ['an enum becomes a string', symbols(['A']), 'string', false, false],
  // The default of a field is not the default symbol of its enum.
  [
    'a symbol removed under a field default',
    only(symbols(['A', 'B'])),
    record([field('a', symbols(['A']), { default: 'A' })]),
    false,
    true,
  ],
  // Fixed.
  ['the same fixed', bytes(4), bytes(4), true, true],
  ['a fixed of another size', bytes(4), bytes(8), false, false],
  ['a fixed renamed', bytes(4), { type: 'fixed', name: 'G', size: 4 }, false, false],
  ['a fixed renamed with an alias', bytes(4), bytes(4, { name: 'G', aliases: ['F'] }), true, false],
  ['fixed to bytes', bytes(4), 'bytes', false, false],
  // Arrays and maps.
  ['items promoted', array('int'), array('long'), true, false],
  ['items of another type', array('int'), array('string'), false, false],
  ['values promoted', map('int'), map('double'), true, false],
  ['an array becomes a map', array('int'), map('int'), false, false],
  [
    'items of records that gain a default',
    array(record([])),
    array(record([field('a', 'int', { default: 0 })])),
    true,
    true,
  ],
  ['items of records that gain a field', array(record([])), array(only('int')), false, true],
  // Unions.
  ['a branch added', ['null', 'int'], ['null', 'int', 'string'], true, false],
  ['a branch removed', ['null', 'int', 'string'], ['null', 'int'], false, true],
  ['branches in another order', ['null', 'int'], ['int', 'null'], true, true],
  ['a type becomes nullable', 'int', ['null', 'int'], true, false],
  ['a type is not nullable any more', ['null', 'int'], 'int', false, true],
  ['a union of one', ['int'], 'int', true, true],
  ['a union of types that all promote', ['int', 'long'], 'double', true, false],
  ['a branch promoted', ['null', 'int'], ['null', 'long'], true, false],
  ['a type becomes a union that promotes it', 'int', ['null', 'double'], true, false],
  ['a type becomes a union without it', 'boolean', ['null', 'int'], false, false],
  ['a string becomes a union with bytes', 'string', ['null', 'bytes'], true, false],
  ['a record in a union gains a field', ['null', record([])], ['null', only('int')], false, true],
  [
    'a record in a union gains a default',
    ['null', record([])],
    ['null', record([field('a', 'int', { default: 0 })])],
    true,
    true,
  ],
  [
    'another record joins a union',
    ['null', record([])],
    ['null', record([]), { type: 'record', name: 'S', fields: [] }],
    true,
    false,
  ],
  // Nested and recursive.
  [
    'a nested field gains a default',
    only(record([], { name: 'I' })),
    only(record([field('x', 'int', { default: 1 })], { name: 'I' })),
    true,
    true,
  ],
  [
    'a nested field without default',
    only(record([], { name: 'I' })),
    only(record([field('x', 'int')], { name: 'I' })),
    false,
    true,
  ],
  ['the same list', list('int'), list('int'), true, true],
  ['a list of promoted values', list('int'), list('long'), true, false],
  ['a list of other values', list('int'), list('string'), false, false],
  [
    'a list whose elements gain a default',
    list('int'),
    list('int', { more: [field('x', 'int', { default: 0 })] }),
    true,
    true,
  ],
  ['a list whose elements gain a field', list('int'), list('int', { more: [field('x', 'int')] }), false, true],
  [
    'a record that fails in one union and is met again in another field',
    record([field('a', ['null', 'string', record([field('x', 'int')], { name: 'I' })]), field('b', 'I')]),
    record([field('a', ['null', 'string', record([field('x', 'string')], { name: 'I' })]), field('b', 'I')]),
    false,
    false,
  ],
  [
    'a Debezium envelope whose table gains a nullable column',
    envelope([field('id', 'int')]),
    envelope([field('id', 'int'), field('note', ['null', 'string'], { default: null })]),
    true,
    true,
  ],
  [
    'a Debezium envelope whose table gains a NOT NULL column',
    envelope([field('id', 'int')]),
    envelope([field('id', 'int'), field('total', 'long')]),
    false,
    true,
  ],
];

function envelope(columns: readonly Schema[]): Schema {
  const value = { type: 'record', name: 'Value', fields: columns };
  return {
    type: 'record',
    name: 'Envelope',
    namespace: 'shop.public.orders',
    fields: [
      { name: 'before', type: ['null', value], default: null },
      { name: 'after', type: ['null', 'Value'], default: null },
      { name: 'op', type: 'string' },
    ],
  };
}

const reasons = (earlier: Schema, later: Schema, level: (typeof COMPATIBILITY_LEVELS)[number]): readonly string[] =>
  incompatibilities(JSON.stringify(later), [JSON.stringify(earlier)], level);

describe('each pair of schemas, at every level', () => {
  test('there are at least sixty', () => expect(cases.length).toBeGreaterThanOrEqual(60));

  test.each(cases)('%s', (_title, earlier, later, backward, forward) => {
    const expected = {
      NONE: true,
      BACKWARD: backward,
      BACKWARD_TRANSITIVE: backward,
      FORWARD: forward,
      FORWARD_TRANSITIVE: forward,
      FULL: backward && forward,
      FULL_TRANSITIVE: backward && forward,
    };
    const found = Object.fromEntries(
      COMPATIBILITY_LEVELS.map((level) => [level, reasons(earlier, later, level).length === 0]),
    );
    expect(found).toEqual(expected);
  });
});

test('a reason names the place, and who cannot read whom', () => {
  const earlier = record([field('lines', array(record([field('price', 'string')], { name: 'Line' })))]);
  const later = record([
    field('lines', array(record([field('price', 'int'), field('count', 'int')], { name: 'Line' }))),
    field('tags', map('int')),
  ]);
  expect(reasons(earlier, later, 'BACKWARD')).toEqual([
    'R.tags: the new schema has no default for it, and the earlier schema lacks it',
    'R.lines[].count: the new schema has no default for it, and the earlier schema lacks it',
    'R.lines[].price: the new schema has int, which cannot read the string of the earlier schema',
  ]);
  expect(reasons(later, earlier, 'FORWARD')).toEqual([
    'R.tags: the earlier schema has no default for it, and the new schema lacks it',
    'R.lines[].count: the earlier schema has no default for it, and the new schema lacks it',
    'R.lines[].price: the earlier schema has int, which cannot read the string of the new schema',
  ]);
});

test('a nullable record says what is wrong inside it', () => {
  const [first, ...others] = reasons(
    envelope([field('id', 'int')]),
    envelope([field('id', 'int'), field('n', 'long')]),
    'FULL',
  );
  expect(first).toBe(
    'shop.public.orders.Envelope.before.n: the new schema has no default for it, and the earlier schema lacks it',
  );
  // The same record is met again in `after`, and told as a whole.
  expect(others.every((reason) => reason.startsWith('shop.public.orders.Envelope.after: no branch'))).toBe(true);
});

test('the same difference at two places is told twice', () => {
  const two = (type: Schema): Schema => record([field('a', type), field('b', type)]);
  expect(reasons(two('int'), two('string'), 'BACKWARD')).toEqual([
    'R.a: the new schema has string, which cannot read the int of the earlier schema',
    'R.b: the new schema has string, which cannot read the int of the earlier schema',
  ]);
});

test('a transitive level compares with all versions, another with the latest', () => {
  const texts = [only('string'), only('int')].map((schema) => JSON.stringify(schema));
  const later = JSON.stringify(only('long'));
  expect(incompatibilities(later, texts, 'BACKWARD')).toEqual([]);
  expect(incompatibilities(later, texts, 'BACKWARD_TRANSITIVE')).not.toEqual([]);
  expect(incompatibilities(later, [], 'FULL_TRANSITIVE')).toEqual([]);
});

test('what is no Avro schema is refused with the reason, at every level', () => {
  const invalid = [
    'not json',
    '"text"',
    'null',
    '[]',
    '["int","int"]',
    '["int",["string"]]',
    '{"type":"record","fields":[]}',
    '{"type":"record","name":"1","fields":[]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":1}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"Unknown"}]}',
    '{"type":"enum","name":"E","symbols":["A","A"]}',
    '{"type":"enum","name":"E","symbols":["A"],"default":"B"}',
    '{"type":"fixed","name":"F","size":-1}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"long","default":9007199254740993}]}',
  ];
  for (const schema of invalid) expect(() => incompatibilities(schema, [], 'NONE'), schema).toThrow(InvalidSchema);
});

test('what would take minutes, or all of the stack, is refused', () => {
  const union = (count: number, type: string): string =>
    JSON.stringify(
      Array.from({ length: count }, (_, index) => ({ type: 'record', name: `R${index}`, fields: [field('a', type)] })),
    );
  expect(incompatibilities(union(300, 'long'), [union(300, 'int')], 'BACKWARD')).toEqual([]);
  expect(() => incompatibilities(union(3000, 'long'), [union(3000, 'int')], 'BACKWARD')).toThrow('too large');
  const nested = (depth: number, type: string): string =>
    `${'{"type":"array","items":'.repeat(depth)}"${type}"${'}'.repeat(depth)}`;
  expect(incompatibilities(nested(300, 'long'), [nested(300, 'int')], 'BACKWARD')).toEqual([]);
  expect(() => incompatibilities(nested(40_000, 'int'), [], 'NONE')).toThrow('nested deeper');
  const escaped = JSON.stringify(only('int')).replace('"a"', `"a","doc":"${'\\"'.repeat(300_000)}"`);
  expect(incompatibilities(escaped, [], 'FULL')).toEqual([]);
});

test('big enums are compared, and a few of their symbols are told', () => {
  const symbols = (prefix: string): string =>
    JSON.stringify({ type: 'enum', name: 'E', symbols: Array.from({ length: 60_000 }, (_, i) => `${prefix}${i}`) });
  expect(incompatibilities(symbols('a'), [symbols('a')], 'FULL')).toEqual([]);
  const [reason, ...more] = incompatibilities(symbols('a'), [symbols('b')], 'BACKWARD');
  expect(reason).toContain('lacks the symbols b0, b1, b2, b3, b4, b5, b6, b7, … of');
  expect(more).toEqual([]);
});

test('a big union that is used again and again is refused, and of many reasons a hundred are told', () => {
  const names = Array.from({ length: 400 }, (_, i) => `R${i}`);
  const records = (type: string): object[] =>
    names.map((name) => ({ type: 'record', name, fields: [{ name: 'a', type }] }));
  const used = (type: string): string => {
    const fields = Array.from({ length: 60 }, (_, i) => ({ name: `f${i}`, type: i === 0 ? records(type) : names }));
    return JSON.stringify({ type: 'record', name: 'T', fields });
  };
  for (const writer of ['int', 'string']) {
    expect(() => incompatibilities(used('int'), [used(writer)], 'BACKWARD')).toThrow('too large');
  }
  const wide = (type: string): string =>
    JSON.stringify({
      type: 'record',
      name: 'T',
      fields: Array.from({ length: 1600 }, (_, i) => ({ name: `f${i}`, type: ['null', type] })),
    });
  expect(incompatibilities(wide('int'), [wide('int')], 'FULL')).toEqual([]);
  const reasons = incompatibilities(wide('int'), [wide('string')], 'BACKWARD');
  expect([reasons.length, reasons.at(-1)]).toEqual([101, 'and 1500 more reasons like these']);
});
