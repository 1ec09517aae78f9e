/** At most ten answers a second to a server that asks again and again. */
export const URGENT_INTERVAL_MS = 100;
/** An idle checkpoint follows this long after the last data. */
export const IDLE_DELAY_MS = 100;
/** Idle checkpoints without a request keep this distance. */
export const IDLE_INTERVAL_MS = 10_000;
/** Requests that repeat within this time belong to one wait of the server. */
const REPEAT_MS = 1_000;
/** How long a server may wait in vain before the stream is closed: it is shutting down (A11). */
const PATIENCE_MS = 5_000;

/** An idle position that is due: an empty batch. */
export interface IdlePosition {
  readonly lsn: number;
  readonly urgent: boolean;
}

/**
 * Decides when an idle source hands out the position of a keepalive (PROTOCOL, source 5). Pure: times come in as arguments, in
 * milliseconds. A keepalive at or below the last position makes no batch (V1).
 */
export class KeepalivePacing {
  /** The last position handed out, or where reading began. */
  #position: number;
  #walEnd: number;
  #requested = false;
  #isHurried = false;
  #urgentAt = Number.NEGATIVE_INFINITY;
  #idleAt: number;
  /** A position that somebody waits for; at or above it, the next one is due at once. */
  #wanted = Number.POSITIVE_INFINITY;
  #firstRequest = Number.NEGATIVE_INFINITY;
  #lastRequest = Number.NEGATIVE_INFINITY;

  constructor(position: number, now: number) {
    this.#position = position;
    this.#walEnd = position;
    this.#idleAt = now + IDLE_DELAY_MS;
  }

  /** A keepalive between transactions, or the end of a transaction without changes. */
  seen(walEnd: number): void {
    if (walEnd > this.#walEnd) this.#walEnd = walEnd;
  }

  /** The server asks for an answer. True when it has asked in vain for too long: close the stream. */
  requested(now: number): boolean {
    this.#requested = true;
    if (now - this.#lastRequest > REPEAT_MS) this.#firstRequest = now;
    this.#lastRequest = now;
    return now - this.#firstRequest >= PATIENCE_MS;
  }

  /** The next position is handed out as soon as there is one. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** Somebody waits for this position: an idle source hands it out as soon as the server has told it. */
  want(lsn: number): void {
    this.#wanted = lsn;
  }

  /** The log stored something and the server was told: it does not ask in vain. */
  acknowledged(): void {
    this.#lastRequest = Number.NEGATIVE_INFINITY;
  }

  /** A batch with data was handed out, with this position. */
  moved(position: number, now: number): void {
    if (position > this.#position) this.#position = position;
    this.seen(position);
    this.#idleAt = now + IDLE_DELAY_MS;
  }

  /** When there will be something to hand out; Infinity when only a keepalive can change that. */
  dueAt(): number {
    if (this.#walEnd <= this.#position) return Number.POSITIVE_INFINITY;
    if (this.#isHurried) return Number.NEGATIVE_INFINITY;
    if (this.#walEnd >= this.#wanted && this.#position < this.#wanted) return Number.NEGATIVE_INFINITY;
    return this.#requested ? Math.min(this.#idleAt, this.#urgentAt) : this.#idleAt;
  }

  /** Takes the idle position that is due; undefined when none is. */
  take(now: number): IdlePosition | undefined {
    if (this.#walEnd <= this.#position) {
      this.#requested = false; // answered with the last position
      return undefined;
    }
    if (now < this.dueAt()) return undefined;
    const urgent = this.#requested;
    this.#position = this.#walEnd;
    this.#requested = false;
    this.#isHurried = false;
    this.#urgentAt = now + URGENT_INTERVAL_MS;
    this.#idleAt = now + IDLE_INTERVAL_MS;
    return { lsn: this.#position, urgent };
  }
}
