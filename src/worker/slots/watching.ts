import type pg from 'pg';
import { sourceConnection } from '../../connector/connection-of.ts';
import { describeError } from '../../errors.ts';
import { socketOf } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import { isLsnPosition, positionToLsn } from '../../postgres/lsn.ts';
import { lookAtSlot, type SlotLook } from '../../source/wal/watch/slot-look.ts';
import type { ConnectorStatus } from '../status.ts';
import type { SlotWatchOptions, WatchedConnector } from './slot-watch-options.ts';
import { WatchedSlot } from './watched-slot.ts';

/** A look that takes longer is given up: the server has other things to do. */
const STATEMENT_TIMEOUT_MS = '10000';
/** A server that is frozen does not give up by itself. */
const GIVE_UP_MS = 15_000;
/** Nobody hears of looks that fail for a shorter time than this: the connector itself says what is wrong. */
const TELL_FAILURE_MS = 60_000;

/** The watch of one slot, as long as it is the same slot of the same server. */
export class Watching {
  /** Its newest settings. */
  connector: WatchedConnector;
  readonly seen: WatchedSlot;
  readonly #options: SlotWatchOptions;
  readonly #stopping = new AbortController();
  readonly #signal: AbortSignal;
  readonly #ended: Promise<void>;
  #client: pg.Client | undefined;
  #failedSince: number | undefined;
  #isToldFailed = false;

  /** Begins at once, and goes on until `signal` aborts or `stop` is called. */
  constructor(connector: WatchedConnector, options: SlotWatchOptions, signal: AbortSignal) {
    this.connector = connector;
    this.#options = options;
    this.seen = new WatchedSlot(connector.name, options.clock, options.logger);
    this.#signal = AbortSignal.any([signal, this.#stopping.signal]);
    this.#ended = this.#run();
  }

  /** Resolves when its connection is closed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#signal.aborted) {
      try {
        await this.#look();
        this.#failedSince = undefined;
        this.#isToldFailed = false;
      } catch (error) {
        await this.#fail(error);
      }
      await clock.sleep(this.connector.config.slotWatchIntervalMs, this.#signal).catch(() => {}); // aborted: the loop ends
    }
    await this.#close();
  }

  async #look(): Promise<void> {
    const { config, name } = this.connector;
    const more = { statement_timeout: STATEMENT_TIMEOUT_MS };
    this.#client ??= await connect(sourceConnection(config), 'rowcast slots', more, this.#signal);
    const look = await this.#bounded(this.#client, lookAtSlot(this.#client, config.slot));
    const status = this.#options.statuses().find((each) => each.name === name);
    this.seen.see(look, config, lsnOf(status));
    if (this.seen.isToDrop(config)) await this.#options.drop(this.connector, this.seen, this.#signal);
  }

  /** Ends the connection when the look takes too long, or is not wanted any more. */
  async #bounded(client: pg.Client, look: Promise<SlotLook>): Promise<SlotLook> {
    const drop = (): void => void socketOf(client).destroy();
    const late = setTimeout(drop, GIVE_UP_MS);
    this.#signal.addEventListener('abort', drop, { once: true });
    try {
      return await look;
    } finally {
      clearTimeout(late);
      this.#signal.removeEventListener('abort', drop);
    }
  }

  async #fail(error: unknown): Promise<void> {
    await this.#close();
    this.seen.forget();
    if (this.#signal.aborted) return;
    const { clock, logger } = this.#options;
    this.#failedSince ??= clock.monotonic();
    const isOld = clock.monotonic() - this.#failedSince >= TELL_FAILURE_MS;
    const { name, config } = this.connector;
    const fields = { connector: name, slot: config.slot, message: describeError(error) };
    if (isOld && !this.#isToldFailed) logger.warn('slot cannot be watched', fields);
    else logger.debug('slot was not looked at', fields);
    this.#isToldFailed ||= isOld;
  }

  async #close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {}); // it is given up either way
  }
}

/** The position that a connector has reached, as a place in the WAL; undefined when it has none, or another kind of position. */
export function lsnOf(status: ConnectorStatus | undefined): number | undefined {
  const position = status?.kind === 'source' ? status.progress.position : status?.counts.position;
  return position !== undefined && isLsnPosition(position) ? positionToLsn(position) : undefined;
}
