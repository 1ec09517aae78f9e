import { expect, inject, test } from 'vitest';
import { describeError, OperatorError, RecordError, TransientError } from '../../src/errors.ts';
import { connect } from '../../src/postgres/connect.ts';
import { postgresError, sqlState } from '../../src/postgres/errors.ts';

const CASES = [
  [`select 'sesame'::int`, RecordError, '22P02'],
  [`select 1 / 0`, RecordError, '22012'],
  [`create temp table t (a text primary key); insert into t values ('sesame'), ('sesame')`, RecordError, '23505'],
  [`create temp table t (a text check (a <> 'sesame')); insert into t values ('sesame')`, RecordError, '23514'],
  [`do $$ begin raise exception 'sesame'; end $$`, OperatorError, 'P0001'],
  [`select sesame sesame sesame`, OperatorError, '42601'],
  [`select * from nowhere`, OperatorError, '42P01'],
  [`do $$ begin raise exception using errcode = '40001'; end $$`, TransientError, '40001'],
  [`do $$ begin raise exception using errcode = '57P01'; end $$`, TransientError, '57P01'],
  [`do $$ begin raise exception using errcode = '55006'; end $$`, TransientError, '55006'],
  [`do $$ begin raise exception using errcode = '55000'; end $$`, OperatorError, '55000'],
  [`do $$ begin raise exception using errcode = '42501'; end $$`, OperatorError, '42501'],
] as const;

for (const [sql, kind, code] of CASES) {
  test(`sorts SQLSTATE ${code} and withholds values`, async () => {
    const client = await connect(inject('postgres'), 'rowcast test');
    const error = await client.query(sql).catch((e: unknown) => postgresError(e, 'Cannot do it'));
    await client.end();
    expect(error).toBeInstanceOf(kind);
    expect(sqlState(error)).toBe(code);
    expect((error as Error).message).toBe('Cannot do it');
    if (sql.includes('sesame') && code !== '23514') expect(describeError(error)).not.toContain('sesame');
    expect(describeError(error)).toContain(code);
  });
}

test('keeps errors that are ours, and takes network errors for transient', () => {
  const ours = new OperatorError('Ours');
  expect(postgresError(ours, 'Cannot')).toBe(ours);
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'EMFILE']) {
    expect(postgresError(Object.assign(new Error('x'), { code }), 'Cannot')).toBeInstanceOf(TransientError);
  }
  expect(postgresError(new Error('Connection terminated unexpectedly'), 'Cannot')).toBeInstanceOf(TransientError);
  expect(postgresError(Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' }), 'C')).toBeInstanceOf(OperatorError);
  const bug = new TypeError('bug');
  expect(postgresError(bug, 'Cannot')).toBe(bug);
});
