import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type Audit, readAudit } from '../../src/torture/judge.ts';
import type { Tells } from '../../src/torture/profile.ts';
import { type ProgressAudit, readProgressAudit } from '../../src/torture/progress-audit.ts';
import { prepareReplica } from '../../src/torture/replica-schema.ts';

let replica: Database;
beforeAll(async () => {
  replica = await freshDatabase('torture_judge');
  await prepareReplica(replica.settings);
  await replica.query(/* sql */ `create table public.seats (place bigint primary key);
    create schema rowcast; create table rowcast.progress (epoch bigint not null default 1, checkpoint_offset bigint, state jsonb not null)`);
});
afterAll(() => replica[Symbol.asyncDispose]());

/** Ledger number 1 came with two rows, number 2 with one; a copy was killed between them. */
beforeEach(async () => {
  await replica.query(/* sql */ `truncate ledger, seats, torture.audit; delete from rowcast.progress; truncate torture.audit, torture.progress_audit;
    insert into rowcast.progress (state) values ('{"consistent": false}')`);
  await replica.query(/* sql */ `insert into seats values (1), (2); insert into ledger values (1, 3, 2)`);
});

const AGAIN = /* sql */ `delete from ledger where txn_no = 1; insert into ledger values (1, 3, 2)`;
const NEXT = /* sql */ `insert into seats values (3); insert into ledger values (2, 2, 1)`;
const CONSISTENT = /* sql */ `update rowcast.progress set state = '{"consistent": true}'`;
const CLEAN: Audit = { lost: 0, duplicated: 0, torn: 0, unordered: 0, undone: 0 };

/** Runs each text as one transaction of the replica's, and judges. */
async function judged(...transactions: readonly string[]): Promise<Partial<Audit>> {
  return await judgedAs('transactions', ...transactions);
}

async function judgedAs(tells: Tells, ...transactions: readonly string[]): Promise<Partial<Audit>> {
  for (const each of transactions) await replica.query(`begin; ${each}; commit`);
  const found = await readAudit(replica.client, 2, tells);
  return Object.fromEntries(Object.entries(found).filter(([, count]) => count > 0));
}

test('a row that is read again while tables are copied is applied once', async () => {
  await judged(AGAIN, `${AGAIN}; ${AGAIN}; ${CONSISTENT}`, NEXT);
  expect(await readAudit(replica.client, 2, 'transactions')).toEqual(CLEAN);
});

test('what a truncate makes void is not counted', async () => {
  const copied = /* sql */ `insert into seats values (1), (2); insert into ledger values (1, 3, 2)`;
  expect(await judged(/* sql */ `truncate ledger, seats`, `${copied}; ${CONSISTENT}`, NEXT)).toEqual({});
});

test.each<[string, readonly string[], Partial<Audit>]>([
  [
    'twice in a copy',
    [/* sql */ `insert into ledger values (1, 3, 0)`, CONSISTENT, NEXT],
    { duplicated: 1, unordered: 1 },
  ],
  [
    'twice for a moment',
    [
      /* sql */ `insert into ledger values (1, 3, 2); delete from ledger; insert into ledger values (1, 3, 2)`,
      CONSISTENT,
      NEXT,
    ],
    { duplicated: 1 },
  ],
  [
    'gone between two transactions',
    [/* sql */ `delete from ledger`, /* sql */ `insert into ledger values (1, 3, 2)`, CONSISTENT, NEXT],
    { undone: 1 },
  ],
  ['read again after the copy', [CONSISTENT, AGAIN, NEXT], { torn: 1, undone: 1 }],
  [
    'twice after the copy',
    [CONSISTENT, NEXT, /* sql */ `insert into ledger values (2, 2, 1)`],
    { duplicated: 1, torn: 1, unordered: 1 },
  ],
  [
    'lost in a copy',
    [/* sql */ `delete from ledger; delete from seats; ${CONSISTENT}`, NEXT],
    { lost: 1, undone: 1, unordered: 1 },
  ],
  ['lost after the copy', [CONSISTENT], { lost: 1 }],
  ['without a row that the copy had', [/* sql */ `delete from seats where place = 1`, CONSISTENT, NEXT], { torn: 1 }],
  ['with a ghost in the copy', [/* sql */ `insert into seats values (9)`, CONSISTENT, NEXT], { torn: 1 }],
  [
    'in two parts',
    [CONSISTENT, /* sql */ `insert into seats values (3)`, /* sql */ `insert into ledger values (2, 2, 1)`],
    { torn: 2 },
  ],
  ['changed', [/* sql */ `update ledger set rows_added = 0`, CONSISTENT, NEXT], { undone: 1 }],
])('sees a transaction that is %s', async (_, transactions, expected) => {
  expect(await judged(...transactions)).toEqual(expected);
});

/** What a poll brings that reads tables as a whole. */
const WHOLE = /* sql */ `truncate ledger, seats; insert into seats values (1), (2); insert into ledger values (1, 3, 2)`;

test.each<[string, readonly string[], Partial<Audit>]>([
  ['are written again', [CONSISTENT, AGAIN, NEXT, AGAIN], {}],
  ['come with tables that are read as a whole', [CONSISTENT, WHOLE, `${WHOLE}; ${NEXT}`], {}],
  ['go back', [CONSISTENT, NEXT, WHOLE, `${WHOLE}; ${NEXT}`], { unordered: 1 }],
  ['lack a row of a whole table', [CONSISTENT, `${WHOLE}; ${NEXT}; delete from seats where place = 2`], { torn: 1 }],
  ['lack a transaction', [CONSISTENT, /* sql */ `insert into ledger values (3, 1, 0)`], { lost: 1, unordered: 1 }],
  [
    'have one twice',
    [CONSISTENT, NEXT, /* sql */ `insert into ledger values (2, 2, 0)`],
    { duplicated: 1, unordered: 1 },
  ],
])('of states, judges those that %s', async (_, transactions, expected) => {
  expect(await judgedAs('states', ...transactions)).toEqual(expected);
});

/** A target transaction of the owner with this epoch that takes progress to a checkpoint. */
function progress(epoch: number, checkpoint: number): string {
  return /* sql */ `update rowcast.progress set epoch = ${epoch}, checkpoint_offset = ${checkpoint}`;
}

test.each<[string, readonly string[], Partial<ProgressAudit>]>([
  ['goes on under each owner', [progress(1, 3), progress(2, 3), progress(2, 4), `${NEXT}; ${progress(2, 7)}`], {}],
  ['is stored by an owner that was replaced', [progress(2, 3), progress(1, 4)], { ofReplaced: 1 }],
  ['is stored twice', [progress(1, 3), progress(1, 3)], { notFurther: 1 }],
  ['falls', [progress(1, 3), progress(1, 2)], { notFurther: 1 }],
  ['does not come with its rows', [progress(1, 3), NEXT, progress(1, 4)], { without: 1 }],
])('sees progress that %s', async (_, transactions, expected) => {
  for (const each of [CONSISTENT, ...transactions]) await replica.query(`begin; ${each}; commit`);
  const found = await readProgressAudit(replica.client);
  expect(Object.fromEntries(Object.entries(found).filter(([, count]) => count > 0))).toEqual(expected);
});
