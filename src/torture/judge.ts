import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connect } from '../postgres/connect.ts';
import { compareTable } from '../verify/compare.ts';
import { compareCatalogs, tablesOf } from './catalog-equality.ts';
import type { Tells } from './profile.ts';
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
export async function judge({ profile, servers, watcher }: Stage, transactions: number): Promise<Verdict> {
  const differences: string[] = [];
  const source = await connect(servers.source, 'torture judge');
  const replica = await connect(servers.replica, 'torture judge');
  try {
    if (profile.replaysDdl) differences.push(...(await compareCatalogs(source, replica)));
    for (const name of await tablesOf(source)) {
      const { difference } = await compareTable(source, replica, { schema: 'public', name });
      if (difference === undefined) continue;
      differences.push(
        `table ${name}: ${difference.what} ${difference.columns.join(', ')} at row ${difference.row} in key order`,
      );
    }
    const audit = await readAudit(replica, transactions, profile.tells);
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
  /** Target transactions behind which the ledger has gaps, or numbers twice. */
  readonly unordered: number;
  /** Changes that take back what was applied. */
  readonly undone: number;
}

export async function readAudit(replica: pg.ClientBase, transactions: number, tells: Tells): Promise<Audit> {
  const { rows } = await replica.query<Record<keyof Audit, string>>(AUDIT, [transactions, tells === 'transactions']);
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
 * The ledger's audit in epochs, each of which a truncate begins: a first copy that was begun again is void, and a table that is read again as a
 * whole is emptied and filled in one target transaction. `there` counts what the ledger has of a number after each change, and whenever that is
 * more than one the transaction was applied twice.
 *
 * Every target transaction that follows the copy adds just as many rows as its ledger rows say (torn), and leaves a ledger without gaps, up to its
 * greatest number (unordered). What the copy and its catching up have left adds up as well, at the moment from which on the replica is called consistent.
 *
 * Where transactions are told ($2), the source only ever adds to the ledger, so nothing but an insert may be there (undone), and no target
 * transaction does without. While tables are copied there is one exception. A copy that goes on reads rows once more, and behind it the stream brings some that
 * it has read: the replica's ledger has no unique key by which the sink could write them in place, so it takes the row away and writes it again, in
 * one target transaction. Where states are told, that is so at any time.
 */
const AUDIT = /* sql */ `
  with ledger as (
    select *, count(*) filter (where op = 'truncate') over (order by id) as epoch,
      case op when 'insert' then 1 when 'delete' then -1 else 0 end as step
    from torture.audit where relation = 'ledger'),
  last as (select coalesce(max(epoch), 0) as epoch from ledger),
  there as (select *, sum(step) over (partition by epoch, txn_no order by id) as times from ledger where op <> 'truncate'),
  applied as (
    select txn_no, coalesce(sum(step) filter (where there.epoch = last.epoch), 0) as times,
      max(times) filter (where streamed or there.epoch = last.epoch) as most
    from there, last group by txn_no),
  taken as (
    select count(*) as count from there, last where there.epoch = last.epoch and op not in ('insert', 'delete') and not streamed and $2
    union all
    select count(*) from torture.audit where streamed and $2 and (op = 'truncate' or relation = 'ledger' and op <> 'insert')
    union all
    select count(*) from (
      select from there, last where there.epoch = last.epoch and not streamed group by xid, txn_no having sum(step) < 0) gone),
  sums as (
    select xid, streamed, min(id) as first, coalesce(max(txn_no), 0) as high,
      coalesce(sum(rows_added) filter (where relation <> 'ledger'), 0) as added,
      coalesce(sum(rows_added * case op when 'insert' then 1 when 'update' then 0 else -1 end) filter (where relation = 'ledger'), 0) as expected,
      coalesce(sum(case op when 'insert' then 1 when 'update' then 0 when 'delete' then -1 else -changes end) filter (where relation = 'ledger'), 0) as count
    from torture.audit group by xid, streamed),
  copied as (select coalesce(sum(added), 0) as added, coalesce(sum(expected), 0) as expected from sums where not streamed),
  standing as (
    select *, sum(count) over (order by first) as rows, max(high) over (order by first) as top from sums)
  select
    (select count(*) from generate_series(1, $1::bigint) n where not exists (select from applied where txn_no = n and times > 0))::text as lost,
    (select count(*) from applied where most > 1)::text as duplicated,
    ((select count(*) from sums where streamed and (added <> expected or count = 0 and $2))
      + (select count(*) from copied where added <> expected))::text as torn,
    (select count(*) from standing where streamed and rows <> top)::text as unordered,
    (select sum(count) from taken)::text as undone`;
