import { type CopyRequests, isWithoutRequests } from '../change/copy-request.ts';
import type { CopyState } from '../change/copy-state.ts';
import type { Position } from '../change/position.ts';
import type { Append, Span } from '../log/log.ts';
import type { Previous } from '../log/protocol/records.ts';
import { addSpans } from '../log/protocol/spans.ts';
import { offsetBehind } from './signal-place.ts';
import { confirmOwnership, ledgerAppends } from './ledger.ts';
import type { Owned, OwnershipOptions } from './ownership.ts';
import type { DataTopics } from './topics.ts';

/** What a checkpoint says besides its position and spans. */
export interface CheckpointFacts {
  readonly committedAt: number;
  readonly consistent: boolean;
  /** How far an unfinished copy is. */
  readonly copy?: CopyState | undefined;
  /** Copies while streaming; absent: as the checkpoint before said. */
  readonly requests?: CopyRequests | undefined;
}

/**
 * Publishes data and, when a transaction is whole, the checkpoint that covers every append since the last one (A4).
 * One call at a time. When it resolves with a position, the checkpoint is stored and no newer claim stands before it.
 */
export class CheckpointWriter {
  readonly #options: OwnershipOptions;
  readonly #topics: DataTopics;
  readonly #logId: string;
  /** Aborts when writes in flight must end too. */
  readonly signal: AbortSignal;
  readonly claim: number;
  #number: number;
  #previous: Previous | null;
  /** Offset of our own last record in the checkpoints topic: the claim, then each checkpoint's last part. */
  #lastOwn: number;
  /** Spans since the last checkpoint. */
  #spans: Span[] = [];
  #consistent: boolean;
  #requests: CopyRequests | undefined;
  #topicOffset: number | undefined;

  constructor(options: OwnershipOptions, topics: DataTopics, owned: Owned, signal: AbortSignal) {
    this.#options = options;
    this.#topics = topics;
    this.#logId = owned.logId;
    this.signal = signal;
    this.claim = owned.claim;
    this.#number = owned.nextNumber;
    this.#previous = owned.previous;
    this.#lastOwn = owned.claim;
    this.#consistent = owned.consistent;
    this.#requests = owned.requests;
    this.#topicOffset = owned.signals;
  }

  /** The number that the next checkpoint will have. */
  get number(): number {
    return this.#number;
  }

  /** The position of the last checkpoint that counts. */
  get position(): Position | undefined {
    return this.#previous?.position;
  }

  get consistent(): boolean {
    return this.#consistent;
  }

  /** What the last checkpoint says of copies while streaming. */
  get requests(): CopyRequests | undefined {
    return this.#requests;
  }

  /** Where the topic of signals is read on. */
  get topicOffset(): number | undefined {
    return this.#topicOffset;
  }

  /** The next checkpoint says that the signals below are carried out. */
  passed(topicOffset: number): void {
    this.#topicOffset = topicOffset;
  }

  /** Stores `appends`, then the checkpoint at `position`; without a position the spans wait for the next checkpoint. */
  async publish(appends: readonly Append[], position: Position | undefined, facts: CheckpointFacts): Promise<void> {
    const { log, prefix, memory } = this.#options;
    // A signal whose copy the checkpoint holds is carried out with it, and never again.
    const behind = offsetBehind(facts.requests?.tables.map(({ id }) => id) ?? []);
    if (behind > (this.#topicOffset ?? 0)) this.#topicOffset = behind;
    this.#assertGrows(position, facts);
    const names = new Set([...appends, ...this.#spans].map(({ topic }) => topic));
    const topicIds = await this.#topics.ids([...names], this.signal);
    const checkpointOf =
      position === undefined
        ? undefined
        : (spans: readonly Span[]): Append[] => {
            addSpans(this.#spans, spans);
            return this.#checkpoint(position, facts, topicIds);
          };
    const published = await log.publish(appends, checkpointOf, this.signal);
    if (position === undefined) {
      addSpans(this.#spans, published.spans);
      return;
    }
    this.#lastOwn = await confirmOwnership(log, prefix, this.#lastOwn, published.checkpoint, this.signal);
    this.#previous = { offset: this.#lastOwn, claim: this.claim, position };
    this.#number++;
    this.#spans = [];
    this.#consistent = facts.consistent;
    this.#requests = facts.requests ?? this.#requests;
    memory.stored = position;
  }

  #checkpoint(
    position: Position,
    { committedAt, consistent, copy, requests = this.#requests }: CheckpointFacts,
    topicIds: Record<string, string>,
  ): Append[] {
    const { prefix, random, clock } = this.#options;
    const checkpoint = {
      kind: 'checkpoint',
      logId: this.#logId,
      nonce: random(),
      claim: this.claim,
      number: this.#number,
      previous: this.#previous,
      position,
      spans: this.#spans,
      topicIds,
      committedAt,
      consistent,
      ...(copy !== undefined && { copy }),
      ...(requests !== undefined && !isWithoutRequests(requests) && { requests }),
      ...(this.#topicOffset !== undefined && { signals: this.#topicOffset }),
    } as const;
    return ledgerAppends(prefix, checkpoint, () => clock.now());
  }

  /** Invariant 2: positions of commits only grow; while a snapshot is copied, or tables while streaming, they stand. */
  #assertGrows(position: Position | undefined, { requests }: CheckpointFacts): void {
    const last = this.#previous?.position;
    if (position === undefined || last === undefined || position > last) return;
    if (position === last && (!this.#consistent || requests !== undefined)) return;
    throw new Error(`Position ${position} does not lie beyond the last checkpoint's ${last}`);
  }
}
