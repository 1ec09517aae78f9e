import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { HearSignal } from '../../change/signal.ts';
import type { Clock } from '../../clock.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { endStatementsWith } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import type { HeldSource, Incarnation, Source } from '../source.ts';
import { captureOf } from '../capture/capture.ts';
import { compileFilter } from '../capture/filter.ts';
import { type HeldStream, HeldWalSource } from './held-wal-source.ts';
import { applicationName, endIfStale, lockConnector } from '../capture/holder.ts';
import { identifySystem } from './identity.ts';
import { noWish } from './sequences/sequence-sync.ts';
import type { WalSourceSettings } from './settings.ts';
import { ensurePublication, publicationId } from './publication.ts';
import { publishedTables } from './published-tables.ts';
import { lookUpSlot, reportSlot, type Slot, slotBusy } from './slot.ts';
import { ReplicationStream } from './stream.ts';
import { warnOfUnlogged } from './unlogged.ts';
import type { Warn } from '../capture/warn.ts';

const STREAM_ATTEMPTS = 20;
const STREAM_DELAY_MS = 100;

/** Captures the changes of a Postgres database from its WAL, through a logical replication slot. Throws OperatorError for a bad filter. */
export function createWalSource(settings: WalSourceSettings, clock: Clock, warn: Warn, hear?: HearSignal): Source {
  const filter = compileFilter(settings);
  const told = new Set<number>();
  const toldUnlogged = new Set<number>();
  const wish = noWish();
  return {
    async open(self: Incarnation, takeOver: boolean, signal: AbortSignal): Promise<HeldSource> {
      const application = applicationName(settings.name, self);
      const client = await connect(settings.connection, application, {}, signal);
      endStatementsWith(client, signal);
      try {
        await lockConnector(client, settings.name, self, takeOver, signal);
        const server = await identifySystem(settings.connection, application, signal);
        const intervalMs = await statusIntervalMs(client, settings.statusIntervalMs);
        const opening = { client, settings, application, self, takeOver, intervalMs };
        const slot = await usableSlot(client, settings);
        // Before the first claim, which names it, and before the slot, which looks it up as of every change.
        const isCopied =
          !slot || (settings.outlivesLoss && (await publicationId(client, settings.publicationName)) === '');
        if (isCopied) await ensurePublication(client, settings, filter, 'copied');
        const identity = { ...server, publication: await publicationId(client, settings.publicationName) };
        const tables = await publishedTables(client, settings.publicationName, filter);
        if (identity.publication !== '' && tables.length === 0) warnOfNothing(settings, warn);
        await warnOfUnlogged(client, filter, warn, toldUnlogged);
        const capture = captureOf(settings, tables);
        const stream = slot && (await openStream(opening, signal));
        return new HeldWalSource(
          {
            ...opening,
            identity,
            capture,
            clock,
            filter,
            warn,
            hear,
            told,
            wish,
            openStream: (abort) => openStream(opening, abort),
          },
          stream,
        );
      } catch (error) {
        await client.end();
        throw error;
      }
    },
  };
}

/** A slot that the server has given up counts as missing where that leads to another copy; elsewhere it is an error that says why. */
async function usableSlot(client: pg.Client, { slotName, outlivesLoss }: WalSourceSettings): Promise<Slot | undefined> {
  if (outlivesLoss && (await reportSlot(client, slotName))?.walStatus === 'lost') return undefined;
  return await lookUpSlot(client, slotName);
}

function warnOfNothing({ publicationName }: WalSourceSettings, warn: Warn): void {
  warn(
    `No table is captured: publication "${publicationName}" and the filters have none in common`,
    'Compare table.include.list and the other lists with the tables: an expression must match a whole name, as schema.table.',
  );
}

interface Opening {
  readonly client: pg.Client;
  readonly settings: WalSourceSettings;
  readonly application: string;
  readonly self: Incarnation;
  readonly takeOver: boolean;
  readonly intervalMs: number;
}

/** Opens the stream at 0/0, which takes the slot, and only then looks where the slot stands: nobody else moves it any more. */
async function openStream(opening: Opening, signal: AbortSignal): Promise<HeldStream> {
  const { client, settings, application, intervalMs } = opening;
  const { slotName: slot, publicationName: publication, connection } = settings;
  await endStaleWalsender(opening, signal);
  let stream: ReplicationStream | undefined;
  for (let attempt = 1; !stream; attempt++) {
    try {
      stream = await ReplicationStream.open({ connection, application, slot, publication }, signal);
    } catch (error) {
      if (sqlState(error) !== '55006') throw postgresError(error, `Cannot stream from slot "${slot}"`);
      if (attempt === STREAM_ATTEMPTS) throw slotBusy(slot, undefined);
      await sleep(STREAM_DELAY_MS, undefined, { signal });
    }
  }
  try {
    const held = await lookUpSlot(client, slot);
    if (!held) throw new Error(`Slot "${slot}" vanished while it was held`);
    stream.keepAt(held.confirmedLsn, intervalMs);
    return { stream, confirmedLsn: held.confirmedLsn };
  } catch (error) {
    await stream.close();
    throw error;
  }
}

/** V3: only an older incarnation is ended; anybody else keeps the slot and this process is refused. */
async function endStaleWalsender({ client, settings, self, takeOver }: Opening, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const pid = (await lookUpSlot(client, settings.slotName))?.activePid;
    if (pid === undefined) return;
    const isStale = await endIfStale(client, pid, settings.name, self, takeOver);
    if (!isStale || attempt === STREAM_ATTEMPTS) throw slotBusy(settings.slotName, pid);
    await sleep(STREAM_DELAY_MS, undefined, { signal });
  }
}

/** Often enough for the server's patience, whatever the setting says. */
async function statusIntervalMs(client: pg.ClientBase, wantedMs: number): Promise<number> {
  const sql = /* sql */ `select setting::int as ms from pg_catalog.pg_settings where name = 'wal_sender_timeout'`;
  const result = await client.query<{ ms: number }>(sql).catch((error: unknown) => {
    throw postgresError(error, 'Cannot look up wal_sender_timeout');
  });
  const timeoutMs = result.rows[0]?.ms ?? 0;
  return timeoutMs > 0 ? Math.max(100, Math.min(wantedMs, Math.floor(timeoutMs / 3))) : wantedMs;
}
