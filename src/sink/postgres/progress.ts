import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError, RefusedError, TransientError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import type { Ownership, Progress } from '../sink.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import type { OwnerName, StoredOwner } from './claim-in-turn.ts';
import { applicationName, Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import { assertCount } from './step.ts';
import type { StatementResult } from './wire.ts';

type Who = Pick<ResolvedSinkSettings, 'name' | 'prefix'>;

/** Makes schema `rowcast` and its two tables where they are missing. */
export async function createProgressTables(session: Session, signal: AbortSignal): Promise<void> {
  const doing = 'Cannot create schema "rowcast" on the target';
  const [found] = await session.run(
    /* sql */ `select to_regclass('rowcast.progress') is not null and to_regclass('rowcast.tables') is not null,
      to_regnamespace('rowcast') is not null`,
    doing,
    signal,
  );
  if (found?.rows[0]?.[0] === 't') return;
  // An administrator may have made the schema: "if not exists" needs the right to create schemas even when there is nothing to do.
  const schema = found?.rows[0]?.[1] === 't' ? '' : /* sql */ `create schema if not exists rowcast;`;
  // The lock keeps two sinks from creating at once: "if not exists" does not.
  await session
    .run(
      /* sql */ `begin; select pg_advisory_xact_lock(hashtext('rowcast.progress'));
    ${schema}
    create table if not exists rowcast.progress (
      connector text not null, prefix text not null, epoch bigint not null, checkpoint_offset bigint, state jsonb,
      updated_at timestamptz not null default now(), primary key (connector, prefix)) with (fillfactor = 50);
    create table if not exists rowcast.tables (
      connector text not null, prefix text not null, relation_id bigint not null, owned boolean not null,
      definition jsonb not null, primary key (connector, prefix, relation_id));
    commit`,
      doing,
      signal,
    )
    .catch(async (error: unknown) => {
      session.destroy();
      throw error;
    });
}

/**
 * Raises the epoch under the row's lock and reads progress in the same transaction (Invariant 5). Whoever holds the row for
 * longer than lockTimeoutMs is looked at again, and terminated when it is an earlier owner of this connector.
 */
export async function claimProgress(
  session: Session,
  settings: ResolvedSinkSettings,
  owner: OwnerName | undefined,
  signal: AbortSignal,
): Promise<Ownership> {
  const key = keyOf(settings);
  const named = owner && quoteLiteral(JSON.stringify({ ...owner, backend: session.backend }));
  const signed =
    named === undefined
      ? ''
      : `, state = jsonb_set(coalesce(state, '{}'), '{owner}', ${named}::jsonb || jsonb_build_object('epoch', epoch + 1))`;
  const claimed = session.run(
    // The claim itself is durable: an epoch must not be handed out twice.
    /* sql */ `begin; set local lock_timeout = 0; set local synchronous_commit = on;
    insert into rowcast.progress (connector, prefix, epoch) values (${key.values}, 0) on conflict do nothing;
    update rowcast.progress set epoch = epoch + 1, updated_at = now()${signed} where ${key.match}
      returning epoch, checkpoint_offset, state;
    commit`,
    'Cannot claim the target',
    signal,
  );
  const row = rowOf(await whileEvicting(claimed, session, settings, signal), 'UPDATE');
  const [epoch, offset, state] = row;
  return { epoch: Number(epoch), progress: progressOf(settings.name, offset ?? null, state ?? null) };
}

/** Versions of `state`; those written before it had one are 1. */
const PROGRESS_VERSION = 1;

/** Progress as a row has it; undefined when nothing was applied. Throws OperatorError for a newer format, or a row that was edited. */
export function progressOf(name: string, offset: string | null, state: string | null): Progress | undefined {
  if (offset === null || state === null) return undefined;
  const { version = 1, owner: _, ...progress } = parsedState(name, state);
  if (typeof version === 'number' && version > PROGRESS_VERSION) {
    throw new OperatorError(
      `The progress of connector "${name}" in rowcast.progress has format ${version}, this Rowcast reads format ${PROGRESS_VERSION}`,
      { advice: 'A newer Rowcast has written it: start the newer Rowcast.' },
    );
  }
  if (isProgress(progress) && progress.checkpointOffset === Number(offset)) return progress;
  throw edited(name);
}

/** The column is JSON, of whatever kind. */
function parsedState(name: string, state: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(state);
  } catch {
    throw edited(name);
  }
  if (isJsonObject(value)) return value;
  throw edited(name);
}

function isProgress(state: object): state is Progress {
  const { logId, claim, number, position, topicIds, filter, partial = [] } = state as Partial<Record<string, unknown>>;
  const isText = (value: unknown): boolean => typeof value === 'string';
  return (
    isText(logId) &&
    isText(position) &&
    Number.isSafeInteger(claim) &&
    Number.isSafeInteger(number) &&
    typeof topicIds === 'object' &&
    topicIds !== null &&
    (filter === undefined || isFilter(filter)) &&
    Array.isArray(partial)
  );
}

function isFilter(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { topics, topicsRegex } = value as Partial<Record<string, unknown>>;
  return Array.isArray(topics) && Array.isArray(topicsRegex);
}

function edited(name: string): OperatorError {
  return new OperatorError(`The progress of connector "${name}" contradicts itself`, {
    advice: 'Its row in rowcast.progress was edited: restore it, or empty the replica and delete the row.',
  });
}

/** Opens a transaction and locks the row; throws TransientError unless it shows what the owner started from (V5). */
export async function beginTransaction(
  session: Session,
  settings: Who,
  owned: Ownership,
  signal: AbortSignal,
): Promise<void> {
  const defer = session.isReplica ? '' : 'set constraints all deferred;';
  const results = await session.run(
    /* sql */ `begin; ${defer} select epoch, checkpoint_offset from rowcast.progress where ${keyOf(settings).match} for update`,
    'Cannot lock the progress row on the target',
    signal,
  );
  const row = results.at(-1)?.rows[0];
  if (row === undefined) {
    throw new OperatorError(`The progress row of connector "${settings.name}" is gone from rowcast.progress`, {
      advice: 'Restore it, or empty the replica so that it is copied anew.',
    });
  }
  const offset = row[1] === null ? undefined : Number(row[1]);
  if (Number(row[0]) !== owned.epoch) {
    throw new RefusedError(`Connector "${settings.name}" was claimed by another owner (epoch ${row[0]})`);
  }
  if (offset !== owned.progress?.checkpointOffset) {
    throw new TransientError(`The progress of connector "${settings.name}" moved (to checkpoint ${offset})`);
  }
}

/** The statements that store progress and commit, in one round trip. A durable commit takes all before it to the disk. */
export function commitSql(settings: Who, progress: Progress, owner: StoredOwner | undefined, durable: boolean): string {
  const mode = durable ? 'set local synchronous_commit = on; ' : '';
  return /* sql */ `${mode}${updateSql(settings, progress, owner)}; commit`;
}

/** The statement that locks the row and stores progress; it fails when the row is not what the owner started from (V5). */
export function storeProgressSql(
  settings: Who,
  { epoch, progress: from }: Ownership,
  progress: Progress,
  owner: StoredOwner | undefined,
): string {
  const at = from === undefined ? 'is null' : `= ${from.checkpointOffset}`;
  const update = `${updateSql(settings, progress, owner)} and epoch = ${epoch} and checkpoint_offset ${at}`;
  return /* sql */ `with owned as (${update} returning 1) ${assertCount('owned', 1)}`;
}

function updateSql(settings: Who, progress: Progress, owner: StoredOwner | undefined): string {
  const state = quoteLiteral(JSON.stringify({ version: PROGRESS_VERSION, ...progress, owner }));
  return /* sql */ `update rowcast.progress set checkpoint_offset = ${progress.checkpointOffset}, state = ${state}, updated_at = now()
    where ${keyOf(settings).match}`;
}

/** The connector's key columns, as a condition and as values. */
export function keyOf(settings: Who): { match: string; values: string } {
  const [name, prefix] = [quoteLiteral(settings.name), quoteLiteral(settings.prefix)];
  return { match: `connector = ${name} and prefix = ${prefix}`, values: `${name}, ${prefix}` };
}

function rowOf(results: readonly StatementResult[], command: string): readonly (string | null)[] {
  const row = results.find((result) => result.command === command)?.rows[0];
  if (row === undefined) throw new Error('The claim returned no row');
  return row;
}

async function whileEvicting<T>(
  claim: Promise<T>,
  session: Session,
  settings: ResolvedSinkSettings,
  signal: AbortSignal,
): Promise<T> {
  const over = new AbortController();
  const settled = claim.finally(() => over.abort());
  const evictions = (async (): Promise<void> => {
    for (;;) {
      try {
        await sleep(settings.lockTimeoutMs, undefined, { signal: over.signal });
      } catch {
        return; // the claim is settled
      }
      await evictHolder(session, settings, signal);
    }
  })();
  const [result, evicted] = await Promise.allSettled([
    settled,
    evictions.catch((error: unknown) => {
      session.destroy();
      throw error;
    }),
  ]);
  if (evicted.status === 'rejected') throw evicted.reason; // the claim failed because of it
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** Ends the backends that hold up the session's backend at this moment, provided that they are sinks of this connector. */
async function evictHolder(waiting: Session, settings: ResolvedSinkSettings, signal: AbortSignal): Promise<void> {
  const waiter = waiting.backend;
  await using session = await Session.open(settings, signal);
  const [holders] = await session.run(
    /* sql */ `select pid, application_name = ${quoteLiteral(applicationName(settings))}, application_name
      from pg_catalog.pg_stat_activity where pid = any(pg_blocking_pids(${waiter}))`,
    'Cannot see who holds the progress row',
    signal,
  );
  for (const [pid, isSink, application] of holders?.rows ?? []) {
    if (isSink !== 't') {
      // The server would finish the claim later, when nobody listens.
      await session.run(/* sql */ `select pg_terminate_backend(${waiter})`, 'Cannot give up the claim', signal);
      throw new TransientError(`Backend ${pid} ("${application}") holds the progress row of "${settings.name}"`, {
        advice: `End that transaction, or run select pg_terminate_backend(${pid}).`,
      });
    }
    try {
      await session.run(
        /* sql */ `select pg_terminate_backend(${pid})
          where ${pid} = any(pg_blocking_pids(${waiter}))`,
        `Cannot terminate backend ${pid}, an earlier owner of "${settings.name}"`,
        signal,
      );
    } catch (error) {
      throw postgresError(error, 'Cannot terminate an earlier owner');
    }
  }
}
