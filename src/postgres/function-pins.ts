import { PINNED } from './connect.ts';
import { quoteLiteral } from './identifier.ts';

/** Settings that the text of expressions and values depends on, or what our own literals mean (Invariant 10). */
const PINNED_HERE = [
  'DateStyle',
  'IntervalStyle',
  'extra_float_digits',
  'bytea_output',
  'TimeZone',
  'lc_monetary',
  'xmloption',
  'quote_all_identifiers',
  'standard_conforming_strings',
  'jit',
];

/**
 * What holds in every function of ours in a source database, whatever the session that it runs in has set. pg_temp comes last by name: unnamed it
 * comes first, and a type that an ordinary user has made there would run its checks with the rights of our functions (Invariant 11).
 */
export const PINS: string = [
  'set search_path = pg_catalog, pg_temp',
  ...PINNED_HERE.map((name) => `set ${name} = ${quoteLiteral(PINNED[name] as string)}`),
].join(' ');
