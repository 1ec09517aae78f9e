import pg from 'pg';
import { expect, test } from 'vitest';
import {
  OperatorError,
  PositionLostError,
  RecordError,
  ShortageError,
  TransientError,
  UncommittedError,
} from '../../src/errors.ts';
import { postgresError, sqlState } from '../../src/postgres/errors.ts';

function ofServer(code: string, message: string = 'the server says so'): Error {
  const error = new pg.DatabaseError(message, 0, 'error');
  error.code = code;
  return postgresError(error, 'Cannot do it');
}

/** What becomes of each SQLSTATE that matters, row by row; every other one is for a person. */
const CLASSES: readonly (readonly [kind: typeof TransientError, codes: string])[] = [
  [TransientError, '08000 08003 08006 08001 08004'],
  [TransientError, '57P01 57P02 57P03 57P05 57014'],
  [TransientError, '40001 40P01 55P03 55006 53300 25P03 25P04 58P01 72000'],
  [ShortageError, '53000 53100 53200 58030'],
  [OperatorError, '42501 28000 28P01 42P01 42703 42704 25006 53400 55000'],
  [OperatorError, '08P01 0A000 3D000 3F000 42601 54000 P0001 XX000 XX001 XX002 F0000'],
  [UncommittedError, '55P04'],
  [RecordError, '22P02 22001 22003 22021 23502 23503 23505 23514 23P01 44000'],
];

test.each(CLASSES.flatMap(([kind, codes]) => codes.split(' ').map((code) => [code, kind] as const)))(
  'SQLSTATE %s is a %o',
  (code, kind) => {
    const error = ofServer(code);
    expect(error.constructor).toBe(kind);
    expect(sqlState(error)).toBe(code);
  },
);

test.each([
  ['55000', 'can no longer get changes from replication slot "s"', PositionLostError],
  ['55000', 'can no longer access replication slot "s"', PositionLostError],
  ['58P01', 'requested WAL segment 000000010000000000000001 has already been removed', PositionLostError],
  ['53300', 'number of requested standby connections exceeds max_wal_senders', TransientError],
  ['XX000', 'could not open relation with OID 4711', TransientError],
  ['55000', 'logical decoding requires wal_level >= logical', OperatorError],
] as const)('SQLSTATE %s with "%s" is a %o', (code, message, kind) => {
  expect(ofServer(code, message).constructor).toBe(kind);
});

test('what a person has to do comes with advice', () => {
  for (const code of ['42501', '28P01', '42P01', '25006', '53400', '55000', '53100', '54000']) {
    expect((ofServer(code) as OperatorError).advice, code).toMatch(/\w/);
  }
});
