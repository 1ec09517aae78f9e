import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connect } from '../../src/postgres/connect.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { compareCatalogs, tablesOf } from './catalog-equality.ts';
import { one } from './scene.ts';
import { assertAlive, type Stage, StandstillError } from './stage.ts';

/** What the judges found. */
export interface Verdict {
  /** Source transactions that the replica has never applied. */
  readonly lost: number;
  /** Source transactions that were applied more than once. */
  readonly duplicated: number;
  /** Target transactions, or states that were seen, that hold only a part of a source transaction. */
  readonly torn: number;
  /** Tables whose bytes differ, in words. */
  readonly differences: readonly string[];
}

const STANDSTILL_MS = 60_000;

/** Waits until the replica has the source's last transaction. The workload must have stopped. */
export async function catchUp(stage: Stage): Promise<number> {
  const { servers, watcher, service } = stage;
  const last = await one<{ last: number }>(
    servers.source,
    /* sql */ `select max(txn_no)::float8 as last from public.ledger`,
  );
  const goal = last?.last ?? 0;
  let [seen, movedAt] = [watcher.standing, performance.now()];
  while (watcher.standing.ledger < goal || !watcher.standing.consistent) {
    assertAlive(stage);
    const { standing } = watcher;
    if (standing.checkpoint !== seen.checkpoint) [seen, movedAt] = [standing, performance.now()];
    if (performance.now() - movedAt > STANDSTILL_MS) {
      throw new StandstillError(`The replica stands at ledger number ${standing.ledger} of ${goal}, checkpoint ${standing.checkpoint}:
${service.running?.lastWords ?? 'the service does not run'}`);
    }
    await sleep(20, undefined, { signal: stage.signal });
  }
  return goal;
}

/** Compares both sides byte by byte, and reads the replica's audit. */
export async function judge({ servers, watcher }: Stage, transactions: number): Promise<Verdict> {
  const differences: string[] = [];
  const source = await connect(servers.source, 'torture judge');
  const replica = await connect(servers.replica, 'torture judge');
  try {
    differences.push(...(await compareCatalogs(source, replica)));
    for (const name of await tablesOf(source)) {
      const { difference } = await compareTable(source, replica, { schema: 'public', name });
      if (difference === undefined) continue;
      differences.push(
        `table ${name}: ${difference.what} ${difference.columns.join(', ')} at row ${difference.row} in key order`,
      );
    }
    const audit = await readAudit(replica, transactions);
    if (audit.unordered > 0) differences.push(`${audit.unordered} target transactions out of the source's order`);
    if (audit.undone > 0) differences.push(`${audit.undone} changes or truncates of what was applied`);
    return { ...audit, torn: audit.torn + watcher.torn.length, differences };
  } finally {
    await replica.end();
    await source.end();
  }
}

/** What the replica's audit says of the source's transactions, of which there are so many. */
export interface Audit {
  readonly lost: number;
  readonly duplicated: number;
  readonly torn: number;
  /** Target transactions whose numbers do not follow on those before. */
  readonly unordered: number;
  /** Changes that take back what was applied. */
  readonly undone: number;
}

export async function readAudit(replica: pg.ClientBase, transactions: number): Promise<Audit> {
  const { rows } = await replica.query<Record<keyof Audit, string>>(AUDIT, [transactions]);
  const { lost, duplicated, torn, unordered, undone } = rows[0] as (typeof rows)[number];
  return {
    lost: Number(lost),
    duplicated: Number(duplicated),
    torn: Number(torn),
    unordered: Number(unordered),
    undone: Number(undone),
  };
}

/**
 * The ledger's audit since its last truncate: a first copy that was begun again is void. The source only ever adds to the ledger, so nothing
 * but an insert may be there; while tables are copied there is one exception. A copy that goes on reads rows once more, and behind it the stream
 * brings some that it has read: the replica's ledger has no unique key by which the sink could write them in place, so it takes the row away and
 * writes it again, in one target transaction. Such a pair changes nothing, and only such a pair is passed over: `there` counts what the ledger
 * has of a number after each change, and whenever that is more than one the transaction was applied twice.
 *
 * While changes are streamed, every target transaction adds just as many rows as its ledger rows say, whose numbers follow on those of the
 * one before. What the copy and its catching up have left adds up as well, at the moment from which on the replica is called consistent.
 */
const AUDIT = /* sql */ `
  with voided as (select relation, max(id) as id from torture.audit where op = 'truncate' group by relation),
  valid as (select a.* from torture.audit a left join voided v using (relation) where v.id is null or a.id > v.id),
  moves as (
    select id, xid, streamed, op, txn_no, case op when 'insert' then 1 when 'delete' then -1 else 0 end as step from valid where relation = 'ledger'),
  there as (select *, sum(step) over (partition by txn_no order by id) as times from moves),
  applied as (select txn_no, sum(step) as times, max(times) as most from there group by txn_no),
  taken as (
    select count(*) as count from moves where op not in ('insert', 'delete') or (streamed and op <> 'insert')
    union all
    select count(*) from (select from moves where not streamed group by xid, txn_no having sum(step) < 0) gone),
  transactions as (
    select xid, min(id) as first, coalesce(sum(rows_added) filter (where relation <> 'ledger'), 0) as added,
      coalesce(sum(rows_added) filter (where relation = 'ledger'), 0) as expected,
      count(*) filter (where relation = 'ledger') as count, min(txn_no) as low, max(txn_no) as high
    from torture.audit where streamed group by xid),
  copied as (
    select coalesce(sum(rows_added) filter (where relation <> 'ledger'), 0) as added,
      coalesce(sum(case op when 'delete' then -rows_added else rows_added end) filter (where relation = 'ledger'), 0) as expected,
      coalesce(max(txn_no), 0) as high
    from valid where not streamed),
  ordered as (select *, coalesce(lag(high) over (order by first), (select high from copied)) as previous from transactions where count > 0)
  select
    (select count(*) from generate_series(1, $1::bigint) n where not exists (select from applied where txn_no = n and times > 0))::text as lost,
    (select count(*) from applied where most > 1)::text as duplicated,
    ((select count(*) from transactions where added <> expected or count = 0) + (select count(*) from copied where added <> expected))::text as torn,
    (select count(*) from ordered where high - low + 1 <> count or low <> previous + 1)::text as unordered,
    ((select count(*) from torture.audit where streamed and op = 'truncate') + (select sum(count) from taken))::text as undone`;
