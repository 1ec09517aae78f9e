import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Op } from '../../../src/change/batch.ts';
import {
  beginHeader,
  HEADER_BYTES,
  headerClaim,
  headerIndex,
  headerNumber,
  headerOp,
  headerPart,
  headerTableVersion,
  isHeader,
  Part,
  setHeader,
} from '../../../src/log/protocol/header.ts';

const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('a header reads back as it was written', () => {
  fc.assert(
    fc.property(
      u48,
      u48,
      u48,
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.constantFrom(...Object.values(Op)),
      fc.constantFrom(...Object.values(Part)),
      (claim, number, index, version, op, part) => {
        const header = Buffer.alloc(HEADER_BYTES);
        beginHeader(header, 0, claim, number, version);
        setHeader(header, 0, op, part, index);
        expect(isHeader(header, 0, HEADER_BYTES)).toBe(true);
        expect([headerClaim(header, 0), headerNumber(header, 0), headerIndex(header, 0)]).toEqual([
          claim,
          number,
          index,
        ]);
        expect([headerOp(header, 0), headerPart(header, 0), headerTableVersion(header, 0)]).toEqual([
          op,
          part,
          version,
        ]);
      },
    ),
  );
});

test('a header of another version or length is not one', () => {
  const header = Buffer.alloc(HEADER_BYTES);
  beginHeader(header, 0, 1, 2, 0);
  expect(isHeader(header, 0, HEADER_BYTES - 1)).toBe(false);
  header[0] = 2;
  expect(isHeader(header, 0, HEADER_BYTES)).toBe(false);
});
