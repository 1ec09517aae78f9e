import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/postgres/connect.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { one } from './scene.ts';
import { TABLES } from './source-schema.ts';
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
    for (const name of TABLES) {
      const { difference } = await compareTable(source, replica, { schema: 'public', name });
      if (difference === undefined) continue;
      differences.push(
        `table ${name}: ${difference.what} ${difference.columns.join(', ')} at row ${difference.row} in key order`,
      );
    }
    const { rows } = await replica.query<Record<'lost' | 'duplicated' | 'torn' | 'unordered' | 'undone', string>>(
      AUDIT,
      [transactions],
    );
    const audit = rows[0] as (typeof rows)[number];
    if (audit.unordered !== '0') differences.push(`${audit.unordered} target transactions out of the source's order`);
    if (audit.undone !== '0') differences.push(`${audit.undone} changes or truncates of what was applied`);
    return {
      lost: Number(audit.lost),
      duplicated: Number(audit.duplicated),
      torn: Number(audit.torn) + watcher.torn.length,
      differences,
    };
  } finally {
    await replica.end();
    await source.end();
  }
}

/**
 * The ledger's audit since its last truncate: a first copy that was begun again is void. While changes are streamed, every target
 * transaction adds just as many rows as its ledger rows say, whose numbers follow on those of the one before.
 */
const AUDIT = /* sql */ `
  with since as (select coalesce(max(id), 0) as id from torture.audit where relation = 'ledger' and op = 'truncate'),
  applied as (
    select txn_no, count(*) as times from torture.audit, since where relation = 'ledger' and op = 'insert' and audit.id > since.id group by txn_no),
  transactions as (
    select xid, min(id) as first, coalesce(sum(rows_added) filter (where relation <> 'ledger'), 0) as added,
      coalesce(sum(rows_added) filter (where relation = 'ledger'), 0) as expected,
      count(*) filter (where relation = 'ledger') as count, min(txn_no) as low, max(txn_no) as high
    from torture.audit where streamed group by xid),
  ordered as (select *, lag(high) over (order by first) as previous from transactions where count > 0)
  select
    (select count(*) from generate_series(1, $1::bigint) n where not exists (select from applied where txn_no = n))::text as lost,
    (select count(*) from applied where times > 1)::text as duplicated,
    (select count(*) from transactions where added <> expected or count = 0)::text as torn,
    (select count(*) from ordered where high - low + 1 <> count or low <> previous + 1)::text as unordered,
    (select count(*) from torture.audit where streamed and (op = 'truncate' or (relation = 'ledger' and op <> 'insert')))::text as undone`;
