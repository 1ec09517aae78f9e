import type pg from 'pg';
import { expect, test } from 'vitest';
import { copyOut } from '../../src/verify/copy-out.ts';

/** What pg calls on a query of one's own. */
interface Query {
  submit(wire: object): void;
  handleCopyData(message: { chunk: Buffer }): void;
  handleReadyForQuery(): void;
}

test('the connection reads on when the rows end while its socket is paused', async () => {
  let copy: Query | undefined;
  const client = { query: (given: Query) => (copy = given) } as unknown as pg.Client;
  let isPaused = false;
  const stream = { pause: () => (isPaused = true), resume: () => (isPaused = false) };
  const rows = copyOut(client, 'copy t to stdout', 'Cannot read');
  const first = rows.next();
  if (copy === undefined) throw new Error('Nothing was asked');
  copy.submit({ query: () => {}, stream });
  copy.handleCopyData({ chunk: Buffer.alloc(700_000) });
  copy.handleCopyData({ chunk: Buffer.alloc(700_000) });
  expect(isPaused).toBe(true);
  copy.handleReadyForQuery();
  let count = (await first).done ? 0 : 1;
  for await (const _ of rows) count++;
  expect(count).toBe(2);
  expect(isPaused).toBe(false);
});
