import type { Type } from 'avsc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { incompatibilities } from '../../../src/converter/registry/compatibility.ts';
import { parseSchema } from '../../../src/converter/registry/schema-text.ts';

/** Schemas that differ in little, so that about every second pair resolves. Named types are numbered: each is defined once. */
type Build = (name: () => string) => unknown;

const primitive: fc.Arbitrary<Build> = fc
  .constantFrom('null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes')
  .map((type) => () => type);
const symbols = fc.subarray(['A', 'B', 'C'], { minLength: 1 });
const named: fc.Arbitrary<Build> = fc.oneof(
  fc.integer({ min: 1, max: 2 }).map(
    (size): Build =>
      (name) => ({ type: 'fixed', name: name(), size }),
  ),
  fc.tuple(symbols, fc.boolean()).map(
    ([list, hasDefault]): Build =>
      (name) => ({ type: 'enum', name: name(), symbols: list, ...(hasDefault && { default: list[0] }) }),
  ),
);

const { schema } = fc.letrec<{ schema: Build; record: Build; union: Build }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    primitive,
    named,
    tie('schema').map(
      (items): Build =>
        (name) => ({ type: 'array', items: items(name) }),
    ),
    tie('schema').map(
      (values): Build =>
        (name) => ({ type: 'map', values: values(name) }),
    ),
    tie('record'),
    tie('union'),
  ),
  record: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), tie('schema'), fc.boolean()), { maxLength: 3 }).map(
    (fields): Build =>
      (name) => ({
        type: 'record',
        name: name(),
        fields: [...new Map(fields.map((each) => [each[0], each])).values()].map(([field, type, isNullable]) =>
          isNullable
            ? { name: field, type: flatUnion(['null', type(name)]), default: null }
            : { name: field, type: type(name) },
        ),
      }),
  ),
  union: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map(
    (types): Build =>
      (name) =>
        flatUnion(types.map((type) => type(name))),
  ),
}));

/** Unions hold no unions, and one type of each unnamed kind. */
function flatUnion(types: readonly unknown[]): unknown {
  const kind = (type: unknown): string => {
    if (typeof type === 'string') return type;
    const { name, type: own } = type as { name?: string; type: string };
    return name ?? own;
  };
  return [...new Map(types.flat().map((type) => [kind(type), type])).values()];
}

function text(build: Build): string {
  let count = 0;
  return JSON.stringify(build(() => `N${count++}`));
}

/** The same schema with some of its primitive types exchanged: about every third one. */
const exchanged: fc.Arbitrary<(schema: string) => string> = fc
  .tuple(
    fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
    fc.array(fc.constantFrom('int', 'long', 'float', 'double', 'string', 'bytes'), { minLength: 5, maxLength: 5 }),
  )
  .map(([whether, types]) => (schema) => {
    let place = -1;
    return schema.replace(/"(int|long|float|double|string|bytes)"/g, (type) => {
      place++;
      return whether[place % whether.length] === 0 ? `"${types[place % types.length]}"` : type;
    });
  });

function isValid(schema: string): boolean {
  try {
    parseSchema(schema);
    return true;
  } catch {
    return false;
  }
}

function avscReads(reader: Type, writer: Type): boolean {
  try {
    reader.createResolver(writer, { ignoreNamespaces: true } as never);
    return true;
  } catch {
    return false;
  }
}

test('what is compatible is what avsc resolves', () => {
  let compatible = 0;
  let pairs = 0;
  fc.assert(
    fc.property(schema, fc.option(schema, { freq: 1 }), exchanged, (one, other, exchange) => {
      const reader = text(one);
      const writer = exchange(other === null ? reader : text(other));
      fc.pre(isValid(writer));
      const reads = avscReads(parseSchema(reader), parseSchema(writer));
      expect(incompatibilities(reader, [writer], 'BACKWARD').length === 0, `${reader} reads ${writer}`).toBe(reads);
      expect(incompatibilities(writer, [reader], 'FORWARD').length === 0).toBe(reads);
      pairs++;
      if (reads) compatible++;
    }),
    { numRuns: 3000 },
  );
  expect(compatible / pairs).toBeGreaterThan(0.1);
});

test('every schema is compatible with itself, in both directions', () => {
  fc.assert(
    fc.property(schema, (build) => {
      expect(incompatibilities(text(build), [text(build)], 'FULL')).toEqual([]);
    }),
  );
});

test('is stricter than avsc where avsc takes a record for resolved that has failed before', () => {
  const pair = (type: string): string =>
    JSON.stringify({
      type: 'record',
      name: 'R',
      fields: [
        {
          name: 'a',
          type: ['null', { type: 'record', name: 'I', fields: [{ name: 'x', type }] }, { type: 'map', values: 'I' }],
        },
      ],
    });
  expect(avscReads(parseSchema(pair('string')), parseSchema(pair('int')))).toBe(false);
  const twice = (type: string): string =>
    JSON.stringify({
      type: 'record',
      name: 'R',
      fields: [
        {
          name: 'a',
          type: [
            { type: 'record', name: 'I', fields: [{ name: 'x', type }] },
            { type: 'record', name: 'J', aliases: ['I'], fields: [] },
          ],
        },
        { name: 'b', type: 'I' },
      ],
    });
  expect(avscReads(parseSchema(twice('string')), parseSchema(twice('int')))).toBe(true);
  expect(incompatibilities(twice('string'), [twice('int')], 'BACKWARD')).toEqual([
    'R.b.x: the new schema has string, which cannot read the int of the earlier schema',
  ]);
});
