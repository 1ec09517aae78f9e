import avsc from 'avsc';
import { expect, test } from 'vitest';
import { createAvroConverter } from '../../../src/converter/avro/avro-converter.ts';
import { DEFAULT_MODES, type FieldModes } from '../../../src/converter/avro/modes.ts';
import { WireOp } from '../../../src/converter/converter.ts';
import type { Column } from '../../../src/change/table-schema.ts';
import { type Cell, column, decode, encode, memoryStore, NOW, numericModifier, ORIGIN, table } from '../fixture.ts';
import { oracle } from './oracle.ts';

const TOPIC = 'srv.public.orders';

type Json = { readonly [property: string]: unknown };

/** What a mode makes of one column: the field's type, what avsc reads from it, and whether the header was needed. */
interface Seen {
  readonly type: Json;
  readonly value: unknown;
  readonly isExact: boolean;
}

/** Sends a value there and back under these modes; whatever the field holds, the text must come back. */
async function see(modes: Partial<FieldModes>, type: Column, text: Cell): Promise<Seen> {
  const store = memoryStore();
  const converter = createAvroConverter(store, ORIGIN, {
    clock: { now: () => NOW },
    modes: { ...DEFAULT_MODES, ...modes },
  });
  const { signal } = new AbortController();
  const version = table([column('id', 'int4', { nullable: false }), type]);
  const encoder = await converter.encoder(version, TOPIC, signal);
  const decoder = await converter.decoder(store.texts.length, version, TOPIC, signal);
  const { value, exact } = encode(encoder, WireOp.create, undefined, ['1', text]);
  expect(decode(decoder, 2, value, exact).after).toEqual(['1', text]);
  const schema = store.texts.at(-1) as string;
  const read = oracle(schema).fromBuffer(value.subarray(5)) as { after: { Value: Json } };
  const row = Object.values(read.after)[0] as Json;
  const [branch] = Object.values((row.v ?? { null: null }) as Json);
  const envelope = JSON.parse(schema) as { fields: { type: [unknown, { fields: { type: unknown }[] }] }[] };
  const field = envelope.fields[0]?.type[1].fields[1]?.type as [string, Json];
  expect(() => avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)).not.toThrow();
  return { type: field[1], value: branch, isExact: exact.length > 0 };
}

function shapeOf({ type: { 'connect.parameters': parameters, ...rest } }: Seen): Json {
  const own = Object.entries((parameters ?? {}) as Record<string, string>).filter(([name]) => !name.startsWith('__'));
  return { ...rest, ...(own.length > 0 && { parameters: Object.fromEntries(own) }) };
}

const named = (type: string, name: string): Json => ({ type, 'connect.version': 1, 'connect.name': name });
const logical = (type: string, name: string, logicalType: string): Json => ({
  ...named(type, `org.apache.kafka.connect.data.${name}`),
  logicalType,
});

const PRICE = column('v', 'numeric', { modifier: numericModifier(10, 2) });
const money = (digits: number): Json => ({
  ...logical('bytes', 'Decimal', 'decimal'),
  scale: digits,
  precision: 64,
  parameters: { scale: `${digits}` },
});
const time = (precision: number): Column => column('v', 'time', { modifier: precision });
const timestamp = (precision: number): Column => column('v', 'timestamp', { modifier: precision });
const STAMP = '2024-05-06 07:08:09.123456';
const MICROS = 1_714_979_289_123_456n;

/** Modes, type, text, the documented shape, what a consumer reads; true: the field does not say all of it. */
const SHAPES: readonly [string, Partial<FieldModes>, Column, string, Json, unknown, boolean][] = [
  ['numeric(p,s)', { decimal: 'double' }, PRICE, '1.10', { type: 'double' }, 1.1, true],
  ['numeric(p,s)', { decimal: 'double' }, PRICE, '1.25', { type: 'double' }, 1.25, false],
  ['numeric', { decimal: 'double' }, column('v', 'numeric'), 'NaN', { type: 'double' }, Number.NaN, false],
  ['numeric', { decimal: 'double' }, column('v', 'numeric'), '-Infinity', { type: 'double' }, -Infinity, false],
  ['numeric', { decimal: 'double' }, column('v', 'numeric'), `1${'0'.repeat(400)}`, { type: 'double' }, Infinity, true],
  ['numeric(p,s)', { decimal: 'string' }, PRICE, '1.10', { type: 'string' }, '1.10', false],
  ['numeric', { decimal: 'string' }, column('v', 'numeric'), 'NaN', { type: 'string' }, 'NaN', false],
  ['money', {}, column('v', 'money'), '-$1,234.56', money(2), Buffer.from('fe1dc0', 'hex'), false],
  ['money', { moneyDigits: 0 }, column('v', 'money'), '$0.50', money(0), Buffer.of(1), true],
  ['money', { moneyDigits: 1 }, column('v', 'money'), '$0.04', money(1), Buffer.of(0), true],
  ['money', { moneyDigits: 3 }, column('v', 'money'), '$0.01', money(3), Buffer.of(10), false],
  ['money', { decimal: 'double' }, column('v', 'money'), '-$1,234.50', { type: 'double' }, -1234.5, false],
  [
    'money',
    { decimal: 'double' },
    column('v', 'money'),
    '$92,233,720,368,547,758.07',
    { type: 'double' },
    92_233_720_368_547_760,
    true,
  ],
  ['money', { decimal: 'string' }, column('v', 'money'), '-$1,234.56', { type: 'string' }, '-1234.56', false],
  [
    'time(3)',
    { time: 'adaptive_time_microseconds' },
    time(3),
    '07:08:09.123',
    named('long', 'io.debezium.time.MicroTime'),
    25_689_123_000n,
    false,
  ],
  [
    'timestamp(3)',
    { time: 'adaptive_time_microseconds' },
    timestamp(3),
    STAMP.slice(0, -3),
    named('long', 'io.debezium.time.Timestamp'),
    MICROS / 1000n,
    false,
  ],
  [
    'date',
    { time: 'adaptive_time_microseconds' },
    column('v', 'date'),
    '1970-01-03',
    named('int', 'io.debezium.time.Date'),
    2,
    false,
  ],
  ['date', { time: 'connect' }, column('v', 'date'), '1970-01-03', logical('int', 'Date', 'date'), 2, false],
  ['date', { time: 'connect' }, column('v', 'date'), 'infinity', logical('int', 'Date', 'date'), null, true],
  ['time', { time: 'connect' }, time(-1), '00:00:00.000999', logical('int', 'Time', 'time-millis'), 0, true],
  ['time(3)', { time: 'connect' }, time(3), '00:00:00.002', logical('int', 'Time', 'time-millis'), 2, false],
  [
    'timestamp',
    { time: 'connect' },
    timestamp(-1),
    STAMP,
    logical('long', 'Timestamp', 'timestamp-millis'),
    MICROS / 1000n,
    true,
  ],
  [
    'timestamp before 1970',
    { time: 'connect' },
    timestamp(-1),
    '1969-12-31 23:59:59.999999',
    logical('long', 'Timestamp', 'timestamp-millis'),
    -1n,
    true,
  ],
  [
    'date',
    { time: 'isostring' },
    column('v', 'date'),
    '2024-05-06',
    named('string', 'io.debezium.time.IsoDate'),
    '2024-05-06Z',
    false,
  ],
  [
    'date',
    { time: 'isostring' },
    column('v', 'date'),
    '-infinity',
    named('string', 'io.debezium.time.IsoDate'),
    '-infinity',
    false,
  ],
  [
    'date BC',
    { time: 'isostring' },
    column('v', 'date'),
    '0044-03-15 BC',
    named('string', 'io.debezium.time.IsoDate'),
    null,
    true,
  ],
  [
    'time',
    { time: 'isostring' },
    time(-1),
    '07:08:09.12',
    named('string', 'io.debezium.time.IsoTime'),
    '07:08:09.12Z',
    false,
  ],
  [
    'timestamp',
    { time: 'isostring' },
    timestamp(-1),
    STAMP,
    named('string', 'io.debezium.time.IsoTimestamp'),
    '2024-05-06T07:08:09.123456Z',
    false,
  ],
  [
    'time(3)',
    { time: 'microseconds' },
    time(3),
    '00:00:00.002',
    named('long', 'io.debezium.time.MicroTime'),
    2000n,
    false,
  ],
  [
    'timestamp(3)',
    { time: 'microseconds' },
    timestamp(3),
    '1970-01-01 00:00:00.002',
    named('long', 'io.debezium.time.MicroTimestamp'),
    2000n,
    false,
  ],
  [
    'time(3)',
    { time: 'nanoseconds' },
    time(3),
    '24:00:00',
    named('long', 'io.debezium.time.NanoTime'),
    86_400_000_000_000n,
    false,
  ],
  [
    'timestamp',
    { time: 'nanoseconds' },
    timestamp(-1),
    STAMP,
    named('long', 'io.debezium.time.NanoTimestamp'),
    MICROS * 1000n,
    false,
  ],
  [
    'timestamp',
    { time: 'nanoseconds' },
    timestamp(-1),
    'infinity',
    named('long', 'io.debezium.time.NanoTimestamp'),
    2n ** 63n - 1n,
    false,
  ],
  [
    'timestamp beyond nanoseconds',
    { time: 'nanoseconds' },
    timestamp(-1),
    '0044-03-15 12:00:00 BC',
    named('long', 'io.debezium.time.NanoTimestamp'),
    null,
    true,
  ],
  [
    'timetz',
    {},
    column('v', 'timetz'),
    '04:05:06.7-08',
    named('string', 'io.debezium.time.ZonedTime'),
    '04:05:06.7-08:00',
    false,
  ],
  [
    'timetz',
    {},
    column('v', 'timetz'),
    '04:05:06+00',
    named('string', 'io.debezium.time.ZonedTime'),
    '04:05:06Z',
    false,
  ],
  [
    'timetz',
    {},
    column('v', 'timetz'),
    '00:00:00+15:59:59',
    named('string', 'io.debezium.time.ZonedTime'),
    '00:00:00+15:59:59',
    false,
  ],
  [
    'interval',
    {},
    column('v', 'interval'),
    '10 mons -3 days +04:05:06.7',
    named('string', 'io.debezium.time.Interval'),
    'P0Y10M-3DT4H5M6.7S',
    false,
  ],
  [
    'interval',
    {},
    column('v', 'interval'),
    '-1 years -11 mons +1 day -04:00:06',
    named('string', 'io.debezium.time.Interval'),
    'P-1Y-11M1DT-4H0M-6S',
    false,
  ],
  [
    'interval',
    {},
    column('v', 'interval'),
    'infinity',
    named('string', 'io.debezium.time.Interval'),
    'infinity',
    false,
  ],
  [
    'interval',
    { interval: 'numeric' },
    column('v', 'interval'),
    '-04:05:06.000007',
    named('long', 'io.debezium.time.MicroDuration'),
    -14_706_000_007n,
    false,
  ],
  [
    'interval',
    { interval: 'numeric' },
    column('v', 'interval'),
    '1 year 2 mons 3 days 04:05:06.78',
    named('long', 'io.debezium.time.MicroDuration'),
    37_091_106_780_000n,
    true,
  ],
  [
    'interval',
    { interval: 'numeric' },
    column('v', 'interval'),
    '178000000 years',
    named('long', 'io.debezium.time.MicroDuration'),
    null,
    true,
  ],
  ['bytea', { binary: 'base64' }, column('v', 'bytea'), '\\xfbefff01', { type: 'string' }, '++//AQ==', false],
  ['bytea', { binary: 'base64-url-safe' }, column('v', 'bytea'), '\\xfbefff01', { type: 'string' }, '--__AQ==', false],
  ['bytea', { binary: 'hex' }, column('v', 'bytea'), '\\xfbefff01', { type: 'string' }, 'fbefff01', false],
  ['bytea', { binary: 'hex' }, column('v', 'bytea'), '\\x', { type: 'string' }, '', false],
  [
    'hstore',
    {},
    column('v', 'public.hstore'),
    '"2"=>"x", "10"=>NULL, "q\\"\\\\"=>"=>, "',
    named('string', 'io.debezium.data.Json'),
    '{"2":"x","10":null,"q\\"\\\\":"=>, "}',
    false,
  ],
  ['hstore', {}, column('v', 'public.hstore'), '', named('string', 'io.debezium.data.Json'), '{}', false],
  [
    'tsvector',
    {},
    column('v', 'tsvector'),
    "'a':1",
    { ...named('string', 'io.debezium.data.Tsvector'), parameters: { type: 'tsvector' } },
    "'a':1",
    false,
  ],
];

test.each(SHAPES)('%s under %j is written as documented', async (_, modes, type, text, shape, value, isExact) => {
  const seen = await see(modes, type, text);
  expect(shapeOf(seen)).toEqual(shape);
  if (value === null) expect(seen.value ?? null).toBeNull();
  else expect(seen.value).toEqual(value);
  expect(seen.isExact).toBe(isExact);
});

test('hstore under map is an Avro map of strings that may be null', async () => {
  const seen = await see({ hstore: 'map' }, column('v', 'public.hstore'), '"a"=>"1", "b"=>NULL');
  expect(shapeOf(seen)).toEqual({ type: 'map', values: ['null', 'string'] });
  expect(seen.value).toEqual({ a: { string: '1' }, b: null });
  expect((await see({ hstore: 'map' }, column('v', 'public.hstore'), '')).value).toEqual({});
});

test('a value that was not sent is the placeholder of the settings, in the form of the field', async () => {
  const modes = { placeholder: Buffer.from('n/a "?"') };
  const unsent = async (more: Partial<FieldModes>, type: string): Promise<unknown> =>
    (await see({ ...modes, ...more }, column('v', type), undefined)).value;
  expect(await unsent({}, 'text')).toBe('n/a "?"');
  expect(await unsent({}, 'bytea')).toEqual(modes.placeholder);
  expect(await unsent({ binary: 'base64' }, 'bytea')).toBe(modes.placeholder.toString('base64'));
  expect(await unsent({ binary: 'hex' }, 'bytea')).toBe(modes.placeholder.toString('hex'));
  expect(await unsent({}, 'public.hstore')).toBe('{"n/a \\"?\\"":"n/a \\"?\\""}');
  expect(await unsent({ hstore: 'map' }, 'public.hstore')).toEqual({ 'n/a "?"': { string: 'n/a "?"' } });
  expect(await unsent({ decimal: 'double' }, 'numeric')).toBeNull();
});

test('a required field holds what comes nearest, and the header the text', async () => {
  const required = column('v', 'interval', { nullable: false });
  const modes = { ...DEFAULT_MODES, interval: 'numeric' } as const;
  const store = memoryStore();
  const converter = createAvroConverter(store, ORIGIN, { clock: { now: () => NOW }, modes });
  const { signal } = new AbortController();
  const version = table([column('id', 'int4', { nullable: false }), required]);
  const encoder = await converter.encoder(version, TOPIC, signal);
  const decoder = await converter.decoder(store.texts.length, version, TOPIC, signal);
  for (const text of ['1 day', '-infinity', '00:00:00']) {
    const { value, exact } = encode(encoder, WireOp.create, undefined, ['1', text]);
    expect(decode(decoder, 2, value, exact).after).toEqual(['1', text]);
  }
});

test('large binary values are encoded piece by piece', async () => {
  const text = `\\x${'00ff7f'.repeat(100_001)}a1`;
  for (const binary of ['base64', 'base64-url-safe', 'hex'] as const) {
    const { value, isExact } = await see({ binary }, column('v', 'bytea'), text);
    const encoding = binary === 'hex' ? 'hex' : 'base64';
    expect(Buffer.from(value as string, encoding).toString('hex')).toBe(text.slice(2));
    expect(isExact).toBe(false);
  }
});

test('a time that no day has is written beside the field: nobody could read it back', async () => {
  for (const mode of ['connect', 'isostring', 'nanoseconds', 'microseconds'] as const) {
    expect(await see({ time: mode }, time(6), '52:00:00.5')).toMatchObject({ isExact: mode !== 'isostring' });
    await see({ time: mode }, time(6), '24:00:00');
  }
});
