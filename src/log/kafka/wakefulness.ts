import { TransientError } from '../../errors.ts';

/** How often a process that runs shows it. */
const BEAT_MS = 1000;
/** Who did not run for so long may have been replaced meanwhile. */
const ABSENT_MS = 5000;

/** Milliseconds by the clock that goes on while the machine sleeps, or by the one that nobody sets: whichever went further. */
export interface Clocks {
  readonly monotonic: () => number;
  readonly wall: () => number;
}

const CLOCKS: Clocks = { monotonic: () => performance.now(), wall: () => Date.now() };

/**
 * Notices that this process did not run for a while (stopped, suspended, a machine that slept): another one may have taken over, and what was
 * about to be written would be a stray. Whoever writes looks whether it happened since it last made sure of its place.
 */
export class Wakefulness {
  readonly #clocks: Clocks;
  readonly #timer: NodeJS.Timeout;
  #beat: { readonly monotonic: number; readonly wall: number };
  #absences = 0;
  #lastMs = 0;

  constructor(clocks: Clocks = CLOCKS) {
    this.#clocks = clocks;
    this.#beat = { monotonic: clocks.monotonic(), wall: clocks.wall() };
    this.#timer = setInterval(() => this.note(), BEAT_MS);
    this.#timer.unref();
  }

  /** Shows that the process runs. Returns how often it did not, since it began. */
  note(): number {
    const now = { monotonic: this.#clocks.monotonic(), wall: this.#clocks.wall() };
    const awayMs = Math.max(now.monotonic - this.#beat.monotonic, now.wall - this.#beat.wall);
    this.#beat = now;
    if (awayMs < ABSENT_MS) return this.#absences;
    this.#lastMs = awayMs;
    return ++this.#absences;
  }

  /** Throws TransientError when the process was away since `note` has returned this number. */
  verify(known: number): void {
    if (this.note() === known) return;
    throw new TransientError(`This process did not run for ${Math.round(this.#lastMs / 1000)} s`, {
      advice: 'It looks again who owns the log, and goes on by itself.',
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
