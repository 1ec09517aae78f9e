import { sourceConnection } from '../../connector/connection-of.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { describeError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { isSameSlot, type KnownSlot, type KnownSlots } from './known-slots.ts';

/** A slot as its server shows it. */
export interface SlotOnServer {
  readonly slot: string;
  readonly isActive: boolean;
  /** Bytes of WAL that the server keeps for it; undefined when it keeps none any more. */
  readonly keptBytes: number | undefined;
}

/** Finds which slots of these names a server has. */
export type LookAtSlots = (server: ConnectionSettings, slots: readonly string[]) => Promise<readonly SlotOnServer[]>;

/**
 * Warns of replication slots that connectors of this daemon have left behind: what nobody reads keeps WAL until the disk is full. Looks
 * happen in the background, one after the other; a server that cannot be looked at is left for the next time.
 */
export class OrphanedSlots {
  readonly #known: KnownSlots;
  readonly #wanted: () => Iterable<ConnectorFile>;
  readonly #logger: Logger;
  readonly #look: LookAtSlots;
  readonly #told = new Set<string>();
  /** Connectors that were removed since the last look: ways to servers that nothing else may lead to. */
  #removed: ConnectorFile[] = [];
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
    this.#last = this.#last.then(() => this.#check()).catch((error: unknown) => this.#tellFailure(error));
  }

  /** Resolves when every look that is due has ended. */
  async looked(): Promise<void> {
    await this.#last;
  }

  async #check(): Promise<void> {
    this.#isDue = false;
    const removed = this.#removed.splice(0);
    const wanted = [...this.#wanted()];
    const used = wanted.flatMap(slotOf);
    await this.#known.update([...used, ...removed.flatMap(slotOf)]);
    const orphans = this.#known.slots.filter((each) => !used.some((other) => isSameSlot(each, other)));
    for (const [server, connection] of connections([...wanted, ...removed])) {
      const here = orphans.filter((each) => each.server === server);
      if (here.length > 0)
        await this.#checkServer(connection, here).catch((error: unknown) => this.#tellFailure(error));
    }
  }

  async #checkServer(connection: ConnectionSettings, orphans: readonly KnownSlot[]): Promise<void> {
    const found = await this.#look(
      connection,
      orphans.map(({ slot }) => slot),
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

  #tell({ connector, server, slot }: KnownSlot, { keptBytes }: SlotOnServer): void {
    const key = `${server} ${slot}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#logger.warn('replication slot is used by no connector any more', {
      slot,
      server,
      connector,
      keptBytes,
      advice: `It keeps WAL until the disk is full. Put connector ${connector} back, or run on the server: select pg_drop_replication_slot('${slot}');`,
    });
  }

  #tellFailure(error: unknown): void {
    this.#logger.debug('slots could not be looked at', { message: describeError(error) });
  }
}

function slotOf(connector: ConnectorFile): KnownSlot[] {
  if (connector.kind !== 'PostgresWalSource') return [];
  const { hostname, port, slot } = connector.config;
  return [{ connector: connector.name, server: `${hostname}:${port}`, slot }];
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
async function lookAtSlots(server: ConnectionSettings, slots: readonly string[]): Promise<readonly SlotOnServer[]> {
  const client = await connect(server, 'rowcast slots');
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
