import type { Checkpoint, Claim, LedgerRecord } from './records.ts';

/** A checkpoint that counts, all its parts put together. */
export interface CountingCheckpoint extends Omit<Checkpoint, 'kind' | 'logId' | 'nonce' | 'part' | 'last'> {
  /** Offset of its last part. */
  readonly offset: number;
}

/** What is known of the records before the first one that is fed: nothing, or the checkpoint that was applied last. */
export interface CountFrom {
  readonly logId: string;
  readonly claim: number;
  readonly number: number;
}

/**
 * Decides which checkpoints count, the same for everybody who reads (PROTOCOL, records): one counts if and only if no other
 * claim lies between its claim and itself, and its number is above the last counting one's (a stale copy counts for nobody).
 * A checkpoint that is met before any claim makes its own claim the current one (V6). Records must be fed in offset order.
 */
export class CheckpointCounter {
  #logId: string | undefined;
  #claimOffset: number | undefined;
  #claim: Claim | undefined;
  #number: number;
  #parts: Checkpoint[] = [];

  constructor(from?: CountFrom) {
    this.#logId = from?.logId;
    this.#claimOffset = from?.claim;
    this.#number = from?.number ?? -1;
  }

  get logId(): string | undefined {
    return this.#logId;
  }

  /** Offset of the current claim: whose checkpoints count now. */
  get claimOffset(): number | undefined {
    return this.#claimOffset;
  }

  /** The current claim itself, when it was fed. */
  get claim(): Claim | undefined {
    return this.#claim;
  }

  /** Takes the next record and returns the checkpoint that counts with it, if one does. */
  feed(offset: number, record: LedgerRecord): CountingCheckpoint | undefined {
    this.#logId ??= record.logId;
    if (record.logId !== this.#logId) return undefined; // a copy from another log
    if (record.kind === 'acceptance') return undefined;
    if (record.kind === 'claim') {
      this.#claimOffset = offset;
      this.#claim = record;
      this.#parts = [];
      return undefined;
    }
    this.#claimOffset ??= record.claim;
    if (record.claim !== this.#claimOffset || record.number <= this.#number) return undefined;
    if (!this.#continues(record)) this.#parts = [];
    if (record.part !== this.#parts.length) return undefined;
    this.#parts.push(record);
    if (!record.last) return undefined;
    const checkpoint = assemble(this.#parts, offset);
    this.#parts = [];
    this.#number = checkpoint.number;
    return checkpoint;
  }

  #continues(record: Checkpoint): boolean {
    const first = this.#parts[0];
    return first === undefined || (first.nonce === record.nonce && record.part === this.#parts.length);
  }
}

function assemble(parts: readonly Checkpoint[], offset: number): CountingCheckpoint {
  const { claim, number, previous, position, records, committedAt, consistent, copy, requests, signals } =
    parts[0] as Checkpoint;
  const spans = parts.flatMap((part) => part.spans);
  const topicIds = Object.assign({}, ...parts.map((part) => part.topicIds)) as Record<string, string>;
  return {
    offset,
    claim,
    number,
    previous,
    position,
    records,
    spans,
    topicIds,
    committedAt,
    consistent,
    copy,
    requests,
    signals,
  };
}
