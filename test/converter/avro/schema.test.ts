import avsc from 'avsc';
import { expect, test } from 'vitest';
import { avroName, avroNames, avroNamespace } from '../../../src/converter/avro/name.ts';
import { DEFAULT_MODES } from '../../../src/converter/avro/modes.ts';
import { keySchema, valueSchema } from '../../../src/converter/avro/schema.ts';
import { column, decode, encode, numericModifier, path, table } from '../fixture.ts';
import { WireOp } from '../../../src/converter/converter.ts';

const ORDERS = table([
  column('id', 'int4', { nullable: false, default: "nextval('orders_id_seq'::regclass)" }),
  column('name', 'text', { default: "'x'::text" }),
  column('price', 'numeric', { nullable: false, modifier: numericModifier(10, 2) }),
  column('at', 'timestamptz'),
]);

function parameters(type: string, name: string, more: Record<string, string> = {}): Record<string, string> {
  return { '__debezium.source.column.type': type, ...more, '__debezium.source.column.name': name };
}

test('the value schema is the one that Debezium and AvroConverter make, without column defaults', () => {
  const row = {
    type: 'record',
    name: 'Value',
    fields: [
      { name: 'id', type: { type: 'int', 'connect.parameters': parameters('INT4', 'id') } },
      {
        name: 'name',
        type: ['null', { type: 'string', 'connect.parameters': parameters('TEXT', 'name') }],
        default: null,
      },
      {
        name: 'price',
        type: {
          type: 'bytes',
          scale: 2,
          precision: 10,
          'connect.version': 1,
          'connect.parameters': {
            scale: '2',
            'connect.decimal.precision': '10',
            ...parameters('NUMERIC', 'price', {
              '__debezium.source.column.length': '10',
              '__debezium.source.column.scale': '2',
            }),
          },
          'connect.name': 'org.apache.kafka.connect.data.Decimal',
          logicalType: 'decimal',
        },
      },
      {
        name: 'at',
        type: [
          'null',
          {
            type: 'string',
            'connect.version': 1,
            'connect.parameters': parameters('TIMESTAMPTZ', 'at'),
            'connect.name': 'io.debezium.time.ZonedTimestamp',
          },
        ],
        default: null,
      },
    ],
    'connect.name': 'srv.public.orders.Value',
  };
  const long = (name: string): unknown => ({ name, type: ['null', 'long'], default: null });
  const string = (name: string): unknown => ({ name, type: 'string' });
  const source = {
    type: 'record',
    name: 'Source',
    namespace: 'io.debezium.connector.postgresql',
    fields: [
      string('version'),
      string('connector'),
      string('name'),
      { name: 'ts_ms', type: 'long' },
      {
        name: 'snapshot',
        type: [
          {
            type: 'string',
            'connect.version': 1,
            'connect.parameters': {
              allowed: 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental',
            },
            'connect.default': 'false',
            'connect.name': 'io.debezium.data.Enum',
          },
          'null',
        ],
        default: 'false',
      },
      string('db'),
      { name: 'sequence', type: ['null', 'string'], default: null },
      long('ts_us'),
      long('ts_ns'),
      string('schema'),
      string('table'),
      long('txId'),
      long('lsn'),
      long('xmin'),
      { name: 'origin', type: ['null', 'string'], default: null },
      long('origin_lsn'),
    ],
    'connect.version': 1,
    'connect.name': 'io.debezium.connector.postgresql.Source',
  };
  const transaction = {
    type: 'record',
    name: 'block',
    namespace: 'event',
    fields: [string('id'), { name: 'total_order', type: 'long' }, { name: 'data_collection_order', type: 'long' }],
    'connect.version': 1,
    'connect.name': 'event.block',
  };
  const expected = {
    type: 'record',
    name: 'Envelope',
    namespace: 'srv.public.orders',
    fields: [
      { name: 'before', type: ['null', row], default: null },
      { name: 'after', type: ['null', 'Value'], default: null },
      { name: 'source', type: source },
      { name: 'transaction', type: ['null', transaction], default: null },
      string('op'),
      long('ts_ms'),
      long('ts_us'),
      long('ts_ns'),
    ],
    'connect.version': 2,
    'connect.name': 'srv.public.orders.Envelope',
  };
  // As text: the order of properties is part of a schema's identity in a registry.
  expect(JSON.stringify(valueSchema(ORDERS, 'srv.public.orders'))).toBe(JSON.stringify(expected));
});

test('the key schema has the key columns in key order', () => {
  const version = table(ORDERS.columns, { key: [2, 0] });
  const schema = keySchema(version, 'srv.public.orders') as { fields: { name: string }[] };
  expect(schema).toMatchObject({
    type: 'record',
    name: 'Key',
    namespace: 'srv.public.orders',
    'connect.name': 'srv.public.orders.Key',
  });
  expect(schema.fields.map((field) => field.name)).toEqual(['price', 'id']);
});

test('a table without key has no key schema and its encoder no key', async () => {
  const version = table(ORDERS.columns, { key: [] });
  expect(keySchema(version, 'srv.public.orders')).toBeUndefined();
  expect((await path(version)).encoder.hasKey).toBe(false);
});

test('illegal characters become underscores and a leading digit gets one in front', () => {
  expect(avroName('größe in m²')).toBe('gr__e_in_m_');
  expect(avroName('1st')).toBe('_1st');
  expect(avroName('')).toBe('_');
  expect(avroNamespace('my-srv.2024.orders')).toBe('my_srv._2024.orders');
});

test('names that become the same stay apart, and legal ones keep their name', () => {
  expect(avroNames(['a-b', 'a b', 'a_b', 'a_b_2'])).toEqual(['a_b_3', 'a_b_4', 'a_b', 'a_b_2']);
});

test('a column named __proto__ leaves other columns alone', async () => {
  const names = ['__proto__', 'order', 'name', 'type', '___proto__'];
  const { encoder, decoder } = await path(table(names.map((name) => column(name, 'text'))));
  const row = ['a', 'b', 'c', 'd', 'e'];
  const { value, exact } = encode(encoder, WireOp.create, undefined, row);
  expect(decode(decoder, names.length, value, exact).after).toEqual(row);
});

test('columns with illegal names find their way back', async () => {
  const names = ['Order Id', 'a-b', 'a_b', '1st', 'größe', 'type'];
  const types = ['int4', 'numeric', 'numeric', 'text', 'date', '_int4'];
  const version = table(
    names.map((name, i) => column(name, types[i] as string)),
    { schema: 'my schema' },
  );
  const { encoder, decoder } = await path(version, 'my-srv.my_schema.1table');
  const row = ['1', '1.10', '2.20', 'x', '2024-01-01', '{1}'];
  const { value, exact } = encode(encoder, WireOp.create, undefined, row);
  expect(decode(decoder, names.length, value, exact).after).toEqual(row);
});

test('several numerics without precision share one type, each with its own column parameters', () => {
  const version = table([column('a', 'numeric'), column('b', 'numeric', { nullable: false })], { key: [1, 0] });
  const schema = keySchema(version, 't') as { fields: Record<string, unknown>[] };
  expect(schema.fields[0]).toMatchObject({
    name: 'b',
    type: { name: 'VariableScaleDecimal', namespace: 'io.debezium.data', 'connect.doc': 'Variable scaled decimal' },
    'connect.parameters': parameters('NUMERIC', 'b'),
  });
  expect(schema.fields[1]).toEqual({
    name: 'a',
    type: ['null', 'io.debezium.data.VariableScaleDecimal'],
    default: null,
    'connect.parameters': parameters('NUMERIC', 'a'),
  });
});

test('types without a mapping of their own are text that names the Postgres type', () => {
  const schema = JSON.stringify(valueSchema(table([column('v', 'int4range')]), 't'));
  expect(schema).toContain(
    '{"type":"string","connect.version":1,"connect.parameters":{"type":"int4range","__debezium.source.column.type":"INT4RANGE","__debezium.source.column.name":"v"},"connect.name":"io.rowcast.data.Text"}',
  );
});

test('a domain is mapped as its base type and an enum says its labels', () => {
  const domain = column('d', 'public.price', { nullable: false });
  const labels = ['a', 'b'];
  const version = table([
    {
      ...domain,
      type: { ...domain.type, kind: 'domain', base: 'pg_catalog."numeric"', baseModifier: numericModifier(6, 1) },
    },
    { ...domain, name: 'e', type: { ...domain.type, name: 'public."Mood"', kind: 'enum', labels } },
  ]);
  const schema = JSON.stringify(valueSchema(version, 't'));
  expect(schema).toContain('"scale":1,"precision":6');
  expect(schema).toContain('"allowed":"a,b","__debezium.source.column.type":"MOOD"');
});

test('a generated column is nullable, because it may carry no value', () => {
  const version = table([column('g', 'int4', { nullable: false, generated: 's' })]);
  expect(JSON.stringify(valueSchema(version, 't'))).toContain('{"name":"g","type":["null",');
});

test('decimals that Avro has no logical type for keep only the semantic one', () => {
  for (const [precision, scale] of [
    [5, -2],
    [2, 4],
  ] as const) {
    const version = table([column('v', 'numeric', { modifier: numericModifier(precision, scale) })]);
    const schema = JSON.stringify(valueSchema(version, 't'));
    expect(schema).not.toContain('logicalType');
    expect(schema).toContain(`"scale":"${scale}","connect.decimal.precision":"${precision}"`);
  }
});

test('under avro_unicode every character that Avro does not allow, and the underscore, is its code', () => {
  expect(avroName('a_b-ü', 'avro_unicode')).toBe('a_u005fb_u002d_u00fc');
  expect(avroName('1st', 'avro_unicode')).toBe('_u0031st');
  expect(avroName('😀', 'avro_unicode')).toBe('_ud83d_ude00');
  expect(avroNamespace('my-srv.2024.orders', 'avro_unicode')).toBe('my_u002dsrv._u0032024.orders');
  expect(avroNames(['a_b', 'a-b', '__proto__'], 'avro_unicode')).toEqual([
    'a_u005fb',
    'a_u002db',
    '_u005f_u005fproto_u005f_u005f',
  ]);
});

test.each(['avro', 'avro_unicode'] as const)(
  'whatever tables and columns are called, avsc finds the schemas valid (%s)',
  (names) => {
    const odd = [
      '',
      ' ',
      'a b',
      'a-b',
      'a_b',
      '9',
      '__proto__',
      'constructor',
      'Ünïcode',
      '"',
      "'",
      '\u{1f600}',
      'x'.repeat(63),
    ];
    const modes = { ...DEFAULT_MODES, fieldNames: names, schemaNames: names };
    const odds = table(odd.map((name) => column(name, 'text', { nullable: false })));
    for (const topic of ['srv.public.orders', 'a..b', '.', '1.2.3', 'ä.ö.ü', '-']) {
      const key = keySchema({ ...odds, key: [0, 3, 4] }, topic, modes);
      for (const schema of [key, valueSchema(odds, topic, modes)]) {
        expect(() => avsc.Type.forSchema(JSON.parse(JSON.stringify(schema)))).not.toThrow();
      }
    }
  },
);
