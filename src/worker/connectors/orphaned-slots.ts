import { sourceConnection } from '../../connector/connection-of.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { describeError } from '../../errors.ts';
import type { LogFields, Logger } from '../../observe/logger.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { dropSlotSql } from './leftovers.ts';
import { isSameSlot, type KnownSlot, type KnownSlots } from './known-slots.ts';

/** A slot as its server shows it. */
export interface SlotOnServer {
  readonly slot: string;
  readonly isActive: boolean;
  /** Bytes of WAL that the server keeps for it; undefined when it keeps none any more. */
  readonly keptBytes: number | undefined;
}

/** Finds which slots of these names a server has. */
export type LookAtSlots = (
  server: ConnectionSettings,
  slots: readonly string[],
  signal: AbortSignal,
) => Promise<readonly SlotOnServer[]>;

/**
 * Warns of replication slots that connectors of this daemon have left behind: what nobody reads keeps WAL until the disk is full. Looks
 * happen in the background, one after the other; of a slot whose server cannot be looked at that is said. Disposing of it gives up what is under way.
 */
export class OrphanedSlots implements AsyncDisposable {
  readonly #known: KnownSlots;
  readonly #wanted: () => Iterable<ConnectorFile>;
  readonly #logger: Logger;
  readonly #look: LookAtSlots;
  readonly #told = new Set<string>();
  /** Connectors that were removed since the last look: ways to servers that nothing else may lead to. */
  #removed: ConnectorFile[] = [];
  readonly #closed = new AbortController();
  #isDue = false;
  #last: Promise<void> = Promise.resolve();

  /** `wanted` are the connectors that are to run: their slots are in use. */
  constructor(
    known: KnownSlots,
    wanted: () => Iterable<ConnectorFile>,
    logger: Logger,
    look: LookAtSlots = lookAtSlots,
  ) {
    this.#known = known;
    this.#wanted = wanted;
    this.#logger = logger;
    this.#look = look;
  }

  /** Something has started, or `removed` has stopped for good: looks soon, once for all that happens at the same time. */
  lookSoon(removed?: ConnectorFile): void {
    if (removed) this.#removed.push(removed);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#inTurn(() => this.#check());
  }

  /** The slot of this connector was dropped: nothing has to be told of it any more. */
  async dropped(connector: string): Promise<void> {
    this.#inTurn(() => this.#known.forget(connector));
    await this.#last;
  }

  /** Resolves when every look that is due has ended. */
  async looked(): Promise<void> {
    await this.#last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#last;
  }

  #inTurn(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: unknown) => this.#tellFailure(error));
  }

  async #check(): Promise<void> {
    this.#isDue = false;
    if (this.#closed.signal.aborted) return;
    const removed = this.#removed.splice(0);
    const wanted = [...this.#wanted()];
    const used = wanted.flatMap(slotOf);
    const left = removed.flatMap(slotOf).filter((each) => !used.some((other) => isSameSlot(each, other)));
    await this.#known.update([...used, ...left]);
    const orphans = this.#known.slots.filter((each) => !used.some((other) => isUsedBy(each, other)));
    const ways = connections([...wanted, ...removed]);
    for (const server of new Set(orphans.map((each) => each.server))) {
      const here = orphans.filter((each) => each.server === server);
      const connection = ways.get(server);
      if (connection === undefined) this.#tellUnseen(here, 'no connector leads to its server');
      else await this.#tryServer(connection, here);
    }
  }

  async #tryServer(connection: ConnectionSettings, orphans: readonly KnownSlot[]): Promise<void> {
    try {
      this.#closed.signal.throwIfAborted();
      await this.#checkServer(connection, orphans);
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#tellUnseen(orphans, describeError(error));
    }
  }

  async #checkServer(connection: ConnectionSettings, orphans: readonly KnownSlot[]): Promise<void> {
    const found = await this.#look(
      connection,
      orphans.map(({ slot }) => slot),
      this.#closed.signal,
    );
    const bySlot = new Map(found.map((each) => [each.slot, each]));
    await this.#known.update(
      [],
      orphans.filter(({ slot }) => !bySlot.has(slot)),
    );
    for (const orphan of orphans) {
      const there = bySlot.get(orphan.slot);
      if (there && !there.isActive) this.#tell(orphan, there);
    }
  }

  #tell(orphan: KnownSlot, { keptBytes }: SlotOnServer): void {
    this.#tellOnce(orphan, { keptBytes, advice: `It keeps WAL until the disk is full. ${removal(orphan)}` });
  }

  /** What was told of a slot that was seen is not told again for one that was not. */
  #tellUnseen(orphans: readonly KnownSlot[], why: string): void {
    for (const orphan of orphans) {
      if (this.#told.has(keyOf(orphan))) continue;
      const advice = `If it is still there, it keeps WAL until the disk is full. ${removal(orphan)}`;
      this.#tellOnce(orphan, { state: `not looked at: ${why}`, advice }, 'unseen');
    }
  }

  #tellOnce(orphan: KnownSlot, fields: LogFields, how: string = ''): void {
    const { slot, server, database, connector } = orphan;
    const key = keyOf(orphan) + how;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#logger.warn('replication slot is used by no connector any more', {
      slot,
      server,
      database,
      connector,
      ...fields,
    });
  }

  #tellFailure(error: unknown): void {
    this.#logger.debug('slots could not be looked at', { message: describeError(error) });
  }
}

/** A server may have got another name: the same connector with a slot of that name is taken for the same one. */
function isUsedBy(slot: KnownSlot, used: KnownSlot): boolean {
  return isSameSlot(slot, used) || (slot.connector === used.connector && slot.slot === used.slot);
}

function keyOf({ server, slot }: KnownSlot): string {
  return `${server} ${slot}`;
}

function removal({ connector, slot, server, database }: KnownSlot): string {
  const where = database === undefined ? server : `${server}, database ${database}`;
  return `Put the file of connector ${connector} back (and run "rowcast delete ${connector} --drop-slot" to be rid of it), or run on ${where}: ${dropSlotSql(slot)}`;
}

function slotOf(connector: ConnectorFile): KnownSlot[] {
  if (connector.kind !== 'PostgresWalSource') return [];
  const { host, port, database } = sourceConnection(connector.config);
  return [{ connector: connector.name, server: `${host}:${port}`, database, slot: connector.config.slot }];
}

/** One way to every server; those first come from what runs. */
function connections(connectors: readonly ConnectorFile[]): ReadonlyMap<string, ConnectionSettings> {
  const found = new Map<string, ConnectionSettings>();
  for (const connector of connectors) {
    if (connector.kind !== 'PostgresWalSource') continue;
    const connection = sourceConnection(connector.config);
    const server = `${connection.host}:${connection.port}`;
    if (!found.has(server)) found.set(server, connection);
  }
  return found;
}

/** Slots belong to the whole server: any of its databases shows them. */
async function lookAtSlots(
  server: ConnectionSettings,
  slots: readonly string[],
  signal: AbortSignal,
): Promise<readonly SlotOnServer[]> {
  const client = await connect(server, 'rowcast slots', {}, signal);
  try {
    const { rows } = await client.query<{ slot: string; active: boolean; kept: string | null }>(SLOTS, [slots]);
    return rows.map(({ slot, active, kept }) => ({
      slot,
      isActive: active,
      keptBytes: kept === null ? undefined : Number(kept),
    }));
  } finally {
    await client.end();
  }
}

const SLOTS = /* sql */ `
  select slot_name::text as slot, active, pg_catalog.pg_wal_lsn_diff(case when pg_catalog.pg_is_in_recovery()
      then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end, restart_lsn)::text as kept
  from pg_catalog.pg_replication_slots where slot_name = any ($1)`;
