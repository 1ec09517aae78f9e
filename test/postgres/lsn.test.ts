import { expect, test } from 'vitest';
import { formatLsn, lsnToPosition, parseLsn, positionToLsn } from '../../src/postgres/lsn.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../src/postgres/identifier.ts';

test('reads and prints LSNs above 32 bits', () => {
  expect(parseLsn('16/B374D848')).toBe(0x16b374d848);
  expect(formatLsn(0x16b374d848)).toBe('16/B374D848');
  expect(formatLsn(2 ** 32)).toBe('1/0');
  expect(formatLsn(parseLsn('FFFFF/FFFFFFFF'))).toBe('FFFFF/FFFFFFFF');
  expect(() => parseLsn('16')).toThrow('Not an LSN');
  expect(() => parseLsn('FFFFFFFF/0')).toThrow('2^53');
});

test('orders positions as strings', () => {
  const lsns = [0, 9, 10, 0xff, 0x100, 2 ** 32, 2 ** 52];
  const positions = lsns.map(lsnToPosition);
  expect(positions.toSorted()).toEqual(positions);
  expect(positions.map(positionToLsn)).toEqual(lsns);
  expect(() => positionToLsn('0/0')).toThrow('Not a position');
});

test('quotes identifiers and literals', () => {
  expect(quoteIdentifier('a"b')).toBe('"a""b"');
  expect(qualified('My S', 't')).toBe('"My S"."t"');
  expect(quoteLiteral("it's")).toBe("'it''s'");
  expect(quoteLiteral("\\'")).toBe(" E'\\\\'''");
  expect(() => quoteIdentifier('\0')).toThrow();
});
