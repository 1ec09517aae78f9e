import { OperatorError, TransientError } from '../../errors.ts';
import type { Cursor, Fetched } from '../log.ts';
import { partitionKey } from '../partition-key.ts';
import type { Brokers } from './brokers.ts';
import { brokerError, ErrorCode, isLeaderError, partitionName } from './errors.ts';
import { READ_ATTEMPTS, READ_PAUSE_MS } from './leader-request.ts';
import type { Leaders } from './leaders.ts';
import { historyLost, readBounds } from './offsets.ts';
import { pause } from './pause.ts';
import { Polls } from './polls.ts';
import type { FetchAnswer, FetchedPartition } from './protocol/fetch.ts';

interface Round {
  readonly fetched: Fetched[];
  /** Why some leader did not answer as one; it is looked up again. */
  readonly failure: Error | undefined;
}

/** Reads by assigned offsets: no group, no reset, no offsets kept by the broker. */
export class Fetcher {
  readonly #brokers: Brokers;
  readonly #leaders: Leaders;
  readonly #polls: Polls;
  #rotation = 0;

  constructor(brokers: Brokers, leaders: Leaders) {
    this.#brokers = brokers;
    this.#leaders = leaders;
    this.#polls = new Polls(brokers);
  }

  /**
   * See `Log.read`. With several leaders, a partition whose leader had nothing to say before another one had records is left out,
   * and records that came late for the read before are handed over with the bounds that were told then.
   */
  async read(
    cursors: readonly Cursor[],
    maxBytes: number,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<readonly Fetched[]> {
    signal.throwIfAborted();
    const deadline = performance.now() + maxWaitMs;
    for (let failures = 0; ; ) {
      const { fetched, failure } = await this.#round(cursors, maxBytes, deadline, signal);
      if (fetched.some(({ bytes }) => bytes.length > 0)) return fetched;
      if (failure !== undefined) {
        if (++failures === READ_ATTEMPTS) throw failure;
        await pause(READ_PAUSE_MS, signal);
      } else if (performance.now() >= deadline) return fetched;
    }
  }

  async #round(cursors: readonly Cursor[], maxBytes: number, deadline: number, signal: AbortSignal): Promise<Round> {
    if (cursors.length === 0) {
      await pause(Math.max(0, deadline - performance.now()), signal);
      return { fetched: [], failure: undefined };
    }
    // A broker serves the partitions in the order of the request until the bytes are used up: everybody is first in turn.
    const first = this.#rotation++ % cursors.length;
    const rotated = [...cursors.slice(first), ...cursors.slice(0, first)];
    const groups = await this.#leaders.group(rotated, signal);
    const share = Math.max(1, Math.floor(maxBytes / groups.size));
    const answers = await this.#polls.ask(groups, share, deadline, signal);
    const fetched: Fetched[] = [];
    let failure: Error | undefined;
    for (const { cursors: asked, answer } of answers) {
      const problem =
        answer instanceof Error ? this.#lost(asked, answer) : await this.#take(asked, answer, fetched, signal);
      failure ??= problem;
    }
    return { fetched: inOrderOf(cursors, fetched), failure };
  }

  #lost(asked: readonly Cursor[], error: Error): Error {
    if (!(error instanceof TransientError)) throw error;
    for (const { topic } of asked) this.#leaders.forget(topic);
    return error;
  }

  /** Adds what one leader answered to `fetched`; returns the failure of a partition that is to be asked for again. */
  async #take(
    asked: readonly Cursor[],
    answer: FetchAnswer,
    fetched: Fetched[],
    signal: AbortSignal,
  ): Promise<Error | undefined> {
    if (answer.errorCode !== ErrorCode.none) throw brokerError(answer.errorCode, 'A fetch');
    let failure: Error | undefined;
    const partitions = new Map(answer.partitions.map((each) => [partitionKey(each), each]));
    for (const cursor of asked) {
      const found = partitions.get(partitionKey(cursor));
      if (found?.errorCode === ErrorCode.none) {
        const { topic, partition, bytes, logStart, highWatermark } = found;
        fetched.push({ topic, partition, bytes, start: logStart, end: highWatermark, release: answer.release });
      } else failure = await this.#problem(cursor, found, signal);
    }
    return failure;
  }

  async #problem(cursor: Cursor, found: FetchedPartition | undefined, signal: AbortSignal): Promise<Error> {
    const { topic, partition, offset } = cursor;
    const subject = partitionName(topic, partition);
    this.#leaders.forget(topic);
    if (found === undefined) return new TransientError(`${subject} is missing in the answer to Fetch`);
    const error = brokerError(found.errorCode, subject);
    if (found.errorCode === ErrorCode.offsetOutOfRange) {
      // Said by the leader as of now, so that a moment of an election does not look like lost history.
      const bounds = await readBounds(this.#brokers, this.#leaders, topic, partition, signal);
      if (offset < bounds.start || offset > bounds.end) throw historyLost(topic, partition, offset, bounds);
      return new TransientError(error.message, { cause: error });
    }
    if (error instanceof OperatorError) throw error;
    if (isLeaderError(found.errorCode) || found.errorCode === ErrorCode.unknownTopicOrPartition) return error;
    throw error;
  }
}

function inOrderOf(cursors: readonly Cursor[], fetched: readonly Fetched[]): Fetched[] {
  const byName = new Map(fetched.map((each) => [partitionKey(each), each]));
  return cursors.flatMap((cursor) => byName.get(partitionKey(cursor)) ?? []);
}
