import fc from 'fast-check';
import type { Column } from '../../../src/change/table-schema.ts';
import { floatText } from '../../../src/converter/avro/float-text.ts';
import { column, numericModifier } from '../fixture.ts';

/** A column of some type, and values of it: the Postgres text and what avsc is to see. */
export interface TypedColumn {
  readonly column: Column;
  readonly value: fc.Arbitrary<{ readonly text: string; readonly avro: unknown }>;
  /** The name of the type's branch in a union. */
  readonly branch: string;
}

type Make = (name: string, nullable: boolean) => TypedColumn;

function type(
  postgres: string,
  branch: string,
  value: TypedColumn['value'],
  options: Parameters<typeof column>[2] = {},
): Make {
  return (name, nullable) => ({ column: column(name, postgres, { ...options, nullable }), value, branch });
}

const same = (text: string): { text: string; avro: unknown } => ({ text, avro: text });
const integer = (value: number): { text: string; avro: unknown } => ({ text: `${value}`, avro: value });
const big = (value: bigint): { text: string; avro: unknown } => ({ text: `${value}`, avro: value });

const DAY_US = 86_400_000_000n;
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.replaceAll('\0', ''));
/** Years 1 to 9999, where JavaScript's own dates are the oracle. */
const days = fc.integer({ min: -719_162, max: 2_932_896 });
const timeUs = fc.integer({ min: 0, max: Number(DAY_US) - 1 });

function dateText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

function timeText(us: number, digits = 6): string {
  const whole = new Date(Math.floor(us / 1000)).toISOString().slice(11, 19);
  const fraction = `${us % 1_000_000}`.padStart(6, '0').slice(0, digits).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function decimalText(unscaled: bigint, scale: number): string {
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`.padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Java's BigInteger.toByteArray. */
export function twosComplement(value: bigint): Buffer {
  let size = 1;
  while (BigInt.asIntN(8 * size, value) !== value) size++;
  const hex = BigInt.asUintN(8 * size, value)
    .toString(16)
    .padStart(2 * size, '0');
  return Buffer.from(hex, 'hex');
}

function decimal(precision: number, scale: number): Make {
  const limit = 10n ** BigInt(precision) - 1n;
  const value = fc
    .oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -200n, max: 200n }))
    .map((unscaled) => (unscaled > limit || unscaled < -limit ? 0n : unscaled))
    .map((unscaled) => ({ text: decimalText(unscaled, scale), avro: twosComplement(unscaled) }));
  return type('numeric', 'bytes', value, { modifier: numericModifier(precision, scale) });
}

const float8 = fc.double().filter((value) => floatText(value, false) !== '0');
const float4 = fc.float().filter((value) => floatText(value, true) !== '0');

/** Every mapping there is. */
export const TYPES: readonly Make[] = [
  type(
    'bool',
    'boolean',
    fc.boolean().map((avro) => ({ text: avro ? 't' : 'f', avro })),
  ),
  type('int2', 'int', fc.integer({ min: -32_768, max: 32_767 }).map(integer)),
  type('int4', 'int', fc.integer().map(integer)),
  type('int8', 'long', fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-200n, 200n)).map(big)),
  type('oid', 'long', fc.bigInt(0n, 0xffff_ffffn).map(big)),
  type(
    'float8',
    'double',
    float8.map((avro) => ({ text: floatText(avro, false), avro })),
  ),
  type(
    'float4',
    'float',
    float4.map((avro) => ({ text: floatText(avro, true), avro })),
  ),
  decimal(10, 2),
  decimal(18, 0),
  decimal(1, 1),
  decimal(60, 20),
  type(
    'numeric',
    'io.debezium.data.VariableScaleDecimal',
    fc.tuple(fc.bigInt(-(10n ** 40n), 10n ** 40n), fc.integer({ min: 0, max: 30 })).map(([unscaled, scale]) => ({
      text: decimalText(unscaled, scale),
      avro: { scale, value: twosComplement(unscaled) },
    })),
  ),
  type('text', 'string', text.map(same)),
  type('"varchar"', 'string', text.map(same), { modifier: 24 }),
  type('public.citext', 'string', text.map(same)),
  type('jsonb', 'string', fc.json().map(same)),
  type('uuid', 'string', fc.uuid().map(same)),
  type('xml', 'string', text.map(same)),
  type('_text', 'string', text.map(same)),
  type('tstzrange', 'string', text.map(same)),
  type(
    'bytea',
    'bytes',
    fc.uint8Array({ maxLength: 40 }).map((bytes) => {
      return { text: `\\x${Buffer.from(bytes).toString('hex')}`, avro: Buffer.from(bytes) };
    }),
  ),
  type(
    'date',
    'int',
    days.map((day) => ({ text: dateText(day), avro: day })),
  ),
  type(
    'time',
    'long',
    timeUs.map((us) => ({ text: timeText(us), avro: BigInt(us) })),
  ),
  type(
    'time',
    'int',
    timeUs.map((us) => ({ text: timeText(us, 3), avro: Math.floor(us / 1000) })),
    { modifier: 3 },
  ),
  type(
    'timestamp',
    'long',
    fc.tuple(days, timeUs).map(([day, us]) => {
      return { text: `${dateText(day)} ${timeText(us)}`, avro: BigInt(day) * DAY_US + BigInt(us) };
    }),
  ),
  type(
    'timestamp',
    'long',
    fc.tuple(days, timeUs).map(([day, us]) => {
      return {
        text: `${dateText(day)} ${timeText(us, 3)}`,
        avro: BigInt(day) * 86_400_000n + BigInt(Math.floor(us / 1000)),
      };
    }),
    { modifier: 3 },
  ),
  type(
    'timestamptz',
    'string',
    fc.tuple(days, timeUs).map(([day, us]) => {
      const fraction = `${us % 1_000_000}`.padStart(6, '0');
      return {
        text: `${dateText(day)} ${timeText(us)}+00`,
        avro: `${dateText(day)}T${timeText(us - (us % 1_000_000))}.${fraction}Z`,
      };
    }),
  ),
  (name, nullable) => {
    const plain = column(name, 'public."Mood"', { nullable });
    const labels = ['sad', 'so, so', 'happy'];
    return {
      column: { ...plain, type: { ...plain.type, kind: 'enum', labels } },
      value: fc.constantFrom(...labels).map(same),
      branch: 'string',
    };
  },
];
