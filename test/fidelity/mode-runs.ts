import type { FieldModes } from '../../src/converter/avro/modes.ts';
import type { TypeCase } from './type-case.ts';

/** Modes of values that are tried together: each is about other types. */
export interface ModeRun {
  readonly name: string;
  readonly modes: Partial<FieldModes>;
  /** The types that the modes are about. */
  readonly types: RegExp;
}

const NUMBERS = String.raw`numeric(\(|$)|money|kinds\.price`;
const TIMES = String.raw`date$|time(\(|$)|timestamp(\(|$)`;

/** Every value of every mode that is not the default, at least once. */
export const MODE_RUNS: readonly ModeRun[] = [
  {
    name: 'double, adaptive_time_microseconds, numeric intervals, base64, map, no money digits, avro_unicode',
    modes: {
      decimal: 'double',
      time: 'adaptive_time_microseconds',
      interval: 'numeric',
      binary: 'base64',
      hstore: 'map',
      moneyDigits: 0,
      fieldNames: 'avro_unicode',
      schemaNames: 'avro_unicode',
      placeholder: Buffer.from('?'),
    },
    types: new RegExp(`^(${NUMBERS}|${TIMES}|interval|bytea$|public.hstore)`),
  },
  {
    name: 'string, connect, base64-url-safe',
    modes: { decimal: 'string', time: 'connect', binary: 'base64-url-safe' },
    types: new RegExp(`^(${NUMBERS}|${TIMES}|bytea$)`),
  },
  {
    name: 'isostring, hex, money of 4 digits',
    modes: { time: 'isostring', binary: 'hex', moneyDigits: 4 },
    types: new RegExp(`^(money|${TIMES}|bytea$)`),
  },
  { name: 'microseconds', modes: { time: 'microseconds' }, types: new RegExp(`^(${TIMES})`) },
  { name: 'nanoseconds', modes: { time: 'nanoseconds' }, types: new RegExp(`^(${TIMES})`) },
];

/** The types of a run; without `all` only those of the fast subset, and hstore. */
export function typesOfRun({ types }: ModeRun, cases: readonly TypeCase[], all: boolean): TypeCase[] {
  return cases.filter(({ type, quick, extension }) => types.test(type) && (all || quick || extension !== undefined));
}
