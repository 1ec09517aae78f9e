import { Random } from '../../src/torture/random.ts';

/** Something that may happen now. `kind` and `id` stand in the trace. */
interface Pending {
  readonly kind: string;
  readonly id: number;
  readonly action: () => void;
}

/** An alarm of the simulated clock. */
export interface Timer {
  readonly due: number;
  readonly kind: string;
  readonly id: number;
  readonly action: () => void;
  cancelled: boolean;
}

/**
 * Owns order and time. What is ready happens in random order, one thing at a time; timers fire in the order in which they
 * are due, late things at any time. Every step goes into `hash`, so two runs of one seed can be compared.
 */
export class Scheduler {
  readonly random: Random;
  /** Prints every step when present. */
  readonly print: ((line: string) => void) | undefined;
  /** Simulated milliseconds since 1970. */
  now = 1_700_000_000_000;
  steps = 0;
  hash = 0;
  /** How eagerly time passes while other things are ready. */
  timerChance = 0.05;
  lateChance = 0.02;
  #ready: Pending[] = [];
  #late: Pending[] = [];
  #timers: Timer[] = [];

  constructor(seed: number, print?: (line: string) => void) {
    this.random = new Random(seed);
    this.print = print;
  }

  post(kind: string, id: number, action: () => void): void {
    this.#ready.push({ kind, id, action });
  }

  /** Happens at some time, perhaps long after everybody who knew about it is dead. */
  postLate(kind: string, id: number, action: () => void): void {
    this.#late.push({ kind, id, action });
  }

  timer(ms: number, kind: string, id: number, action: () => void): Timer {
    const timer: Timer = { due: this.now + Math.max(Math.ceil(ms), 0), kind, id, action, cancelled: false };
    const timers = this.#timers;
    let at = timers.length;
    while (at > 0 && (timers[at - 1] as Timer).due > timer.due) at--;
    timers.splice(at, 0, timer);
    return timer;
  }

  /** Does one thing; false when nothing is left to do. */
  step(): boolean {
    const next = this.#next();
    if (next === undefined) return false;
    this.steps++;
    this.note(next.kind, next.id);
    next.action();
    return true;
  }

  /** Adds a fact to the trace. */
  note(kind: string, value: number): void {
    let hash = this.hash;
    for (let i = 0; i < kind.length; i++) hash = Math.imul(hash ^ kind.charCodeAt(i), 0x01000193);
    this.hash = Math.imul(hash ^ value, 0x01000193) ^ (hash >>> 15);
    this.print?.(`${this.steps}\t${this.now - 1_700_000_000_000}\t${kind}\t${value}`);
  }

  #next(): Pending | undefined {
    const ready = this.#ready;
    const { random } = this;
    while (this.#timers[0]?.cancelled) this.#timers.shift();
    const roll = random.bits() / 0x1_0000_0000;
    if (this.#late.length > 0 && roll < this.lateChance) return take(this.#late, random);
    if (this.#timers.length > 0 && (ready.length === 0 || roll > 1 - this.timerChance)) {
      const timer = this.#timers.shift() as Timer;
      this.now = Math.max(this.now, timer.due);
      return timer;
    }
    if (ready.length > 0) return take(ready, random);
    return this.#late.length > 0 ? take(this.#late, random) : undefined;
  }
}

function take(from: Pending[], random: Random): Pending {
  const at = random.below(from.length);
  const taken = from[at] as Pending;
  const last = from.pop() as Pending;
  if (at < from.length) from[at] = last;
  return taken;
}
