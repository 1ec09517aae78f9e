import type { Cursor } from '../log.ts';
import type { Brokers } from './brokers.ts';
import { type FetchAnswer, fetchRequest } from './protocol/fetch.ts';

/** The longest that a broker is asked to wait: what a reader left behind is over after so long. */
const MAX_POLL_MS = 1_000;
/** A poll that is under way is taken over when it ends at most this much later than asked for. */
const SLACK_MS = 50;
/** Answers that nobody has fetched yet, at most; each holds up to a reader's byte limit. */
const MAX_KEPT = 8;

/** What one leader answered to these cursors, or why it did not. */
export interface PollAnswer {
  readonly cursors: readonly Cursor[];
  readonly answer: FetchAnswer | Error;
}

interface Poll {
  readonly key: string;
  readonly cursors: readonly Cursor[];
  readonly maxBytes: number;
  readonly endsAt: number;
  /** Resolves when `answer` is there; never rejects. */
  readonly settled: Promise<void>;
  answer: FetchAnswer | Error | undefined;
}

/**
 * Long polls, one to each leader at the same time. A reader goes on with the first one that has records; the others stay under
 * way, and the next reader that asks the same takes them over: no answer is thrown away, no leader is asked twice.
 */
export class Polls {
  readonly #brokers: Brokers;
  readonly #kept = new Map<string, Poll>();
  /** Polls outlive their readers; closing the brokers ends them. */
  readonly #never: AbortSignal = new AbortController().signal;

  constructor(brokers: Brokers) {
    this.#brokers = brokers;
  }

  /** The answers that were there when the first one had records or failed, or all of them when none had before `deadline`. */
  async ask(
    groups: ReadonlyMap<number, readonly Cursor[]>,
    maxBytes: number,
    deadline: number,
    signal: AbortSignal,
  ): Promise<PollAnswer[]> {
    const endsAt = Math.min(deadline, performance.now() + MAX_POLL_MS);
    const polls = [...groups].map(([node, cursors]) => {
      const key = keyOf(node, cursors);
      return this.#takeOver(key, maxBytes, endsAt) ?? this.#begin(node, key, cursors, maxBytes, endsAt);
    });
    try {
      await untilAnswered(polls, signal);
    } catch (error) {
      // One leader is asked anew: its answer says where the partition ends then, not a moment before.
      if (groups.size > 1) for (const poll of polls) this.#keep(poll);
      throw error;
    }
    for (const poll of polls) if (poll.answer === undefined) this.#keep(poll);
    return polls.flatMap(({ cursors, answer }) => (answer === undefined ? [] : { cursors, answer }));
  }

  /** A poll belongs to one reader at a time, so it leaves the map. */
  #takeOver(key: string, maxBytes: number, endsAt: number): Poll | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    if (kept === undefined || kept.maxBytes > maxBytes) return undefined;
    const isStillOn = kept.answer === undefined && kept.endsAt <= endsAt + SLACK_MS;
    return isStillOn || hasRecords(kept.answer) ? kept : undefined;
  }

  #begin(node: number, key: string, cursors: readonly Cursor[], maxBytes: number, endsAt: number): Poll {
    const waitMs = Math.max(0, Math.ceil(endsAt - performance.now()));
    const sent = this.#brokers.send(node, fetchRequest(cursors, maxBytes, waitMs), this.#never);
    const settled = sent.then(
      (answer) => {
        poll.answer = answer;
      },
      (error: unknown) => {
        poll.answer = error instanceof Error ? error : new Error(String(error));
      },
    );
    const poll: Poll = { key, cursors, maxBytes, endsAt, settled, answer: undefined };
    return poll;
  }

  #keep(poll: Poll): void {
    if (poll.answer !== undefined && !hasRecords(poll.answer)) return;
    this.#kept.set(poll.key, poll);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** Equal for readers that ask the same, whatever the order of their cursors. */
function keyOf(node: number, cursors: readonly Cursor[]): string {
  const names = cursors.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`);
  return [node, ...names.sort()].join(' ');
}

function hasRecords(answer: FetchAnswer | Error | undefined): boolean {
  if (answer === undefined || answer instanceof Error) return false;
  return answer.partitions.some(({ bytes }) => bytes.length > 0);
}

async function untilAnswered(polls: readonly Poll[], signal: AbortSignal): Promise<void> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort);
  });
  try {
    for (;;) {
      signal.throwIfAborted();
      const waiting = polls.filter(({ answer }) => answer === undefined);
      const isEnough = polls.some(({ answer }) => answer instanceof Error || hasRecords(answer));
      if (isEnough || waiting.length === 0) return;
      await Promise.race([aborted, ...waiting.map(({ settled }) => settled)]);
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
