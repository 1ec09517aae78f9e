import { expect, test } from 'vitest';
import { OperatorError, TooLargeError } from '../../src/errors.ts';
import { explainTooLarge } from '../../src/pipeline/too-large.ts';
import { batchOf, insert, table, updateFrom } from '../sink/batches.ts';

const DOCS = table('my "docs"', ['tenant int*', 'Id int*', 'body text', 'note text']);
const LOG = table('log', ['line text']);
const secret = 'secret'.repeat(1000);

const tooLarge = (topic: string, records = 1): TooLargeError =>
  new TooLargeError({ topic, bytes: 6100, records, limit: 5000 });

test('the row that a topic does not take is named by table, columns of its key, size and place, never by a value', () => {
  const batch = batchOf([
    insert(LOG, secret.repeat(2)),
    insert(DOCS, '1', '41', 'small', null),
    updateFrom(DOCS, ['1', '42', null, null], ['1', '43', secret, 'n']),
  ]);
  const error = explainTooLarge(tooLarge('shop.public.my__docs_'), batch, 'shop');
  expect(error).toBeInstanceOf(OperatorError);
  expect(error.message).toBe(
    'A row of table public.my "docs", with key (tenant, Id), is a record of 6100 bytes, which is larger than topic "shop.public.my__docs_" takes (5000); most of it is column body; it was changed by transaction 1:1',
  );
  expect(error.advice).toContain('Raise max.message.bytes of the topic above 6100');
  expect(error.advice).toContain(
    'select "tenant", "Id" from "public"."my ""docs""" order by octet_length("body"::text) desc nulls last limit 5',
  );
  expect(`${error.message}${error.advice}`).not.toContain('secret');
  expect(`${error.message}${error.advice}`).not.toContain('43');
});

test('a row without key, which is copied, is found by its place in the table', () => {
  const batch = batchOf([insert(LOG, 'x'), insert(LOG, secret)]);
  batch.transactions[0] = { xid: 0, commitLsn: 7, commitTimeUs: 0 };
  const { message, advice } = explainTooLarge(tooLarge('shop.public.log'), batch, 'shop');
  expect(message).toMatch(/^A row of table public\.log, without key, .* column line; it was copied$/);
  expect(advice).toContain('select ctid from "public"."log"');
});

test('small rows that are too large together, and records of no table, are left as the log says', () => {
  const batch = batchOf([insert(LOG, 'x')]);
  const together = tooLarge('shop.public.log', 2);
  expect(explainTooLarge(together, batch, 'shop')).toBe(together);
  const control = tooLarge('shop.schema-changes');
  expect(explainTooLarge(control, batch, 'shop')).toBe(control);
  expect(control.message).toBe('A record batch of 6100 bytes is larger than topic "shop.schema-changes" takes (5000)');
});
