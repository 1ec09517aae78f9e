import type { Cursor, Fetched, Log } from '../log/log.ts';
import type { CheckpointCounter, CountingCheckpoint } from '../log/protocol/counter.ts';
import { decodeLedgerRecord, type LedgerRecord } from '../log/protocol/records.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';
import { RecordReader } from '../log/record-reader.ts';
import { historyLost } from './history-lost.ts';
import type { ReadMemory } from './read-memory.ts';

const LEDGER_BYTES = 1024 * 1024;
const WAIT_MS = 1_000;

export interface CheckpointReaderOptions {
  readonly log: Log;
  readonly prefix: string;
  /** Hears of records of another log: copies, or the topic is not the one that it was. Throws in that case. */
  readonly onForeign: (signal: AbortSignal) => Promise<void>;
}

/**
 * Waits for the checkpoints that count. Their records are stored before them, so the same read asks for what comes next in the partitions
 * that were read last: while the source still stores the checkpoint they are fetched.
 */
export class CheckpointReader {
  readonly #log: Log;
  readonly #prefix: string;
  readonly #onForeign: CheckpointReaderOptions['onForeign'];
  readonly #topic: string;
  readonly #counter: CheckpointCounter;
  readonly #memory: ReadMemory;
  /** Where reading began, and the claims that were met since. */
  readonly #from: number;
  readonly #claims = new Set<number>();
  #offset: number;

  /** Reads from `offset` of the checkpoints topic on. */
  constructor(
    { log, prefix, onForeign }: CheckpointReaderOptions,
    counter: CheckpointCounter,
    memory: ReadMemory,
    offset: number,
  ) {
    this.#log = log;
    this.#prefix = prefix;
    this.#onForeign = onForeign;
    this.#topic = checkpointsTopic(prefix);
    this.#counter = counter;
    this.#memory = memory;
    this.#from = offset;
    this.#offset = offset;
  }

  /** Those that were there in time; none is no reason to believe that there are none. */
  async read(signal: AbortSignal): Promise<CountingCheckpoint[]> {
    const fetched = await this.#fetch(signal);
    const checkpoints: CountingCheckpoint[] = [];
    if (fetched === undefined) return checkpoints;
    const reader = new RecordReader(fetched.bytes);
    let isForeign = false;
    while (reader.next()) {
      if (reader.offset < this.#offset) continue;
      if (reader.offset > this.#offset) throw historyLost(this.#prefix, `offset ${this.#offset} is missing`);
      this.#offset = reader.offset + 1;
      if (reader.valueStart < 0) continue;
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), this.#topic);
      const checkpoint = record === undefined ? undefined : this.#counter.feed(reader.offset, record);
      if (record?.kind === 'claim' && record.logId === this.#counter.logId) this.#claims.add(reader.offset);
      if (checkpoint !== undefined) checkpoints.push(checkpoint);
      else if (record !== undefined) this.#assertClaimMet(record);
      isForeign ||= record !== undefined && record.logId !== this.#counter.logId;
    }
    if (isForeign) await this.#onForeign(signal);
    return checkpoints;
  }

  /** Every claim below was met, or counts for nothing: where one was not, the topic has lost its end, and was written anew from there. */
  #assertClaimMet(record: LedgerRecord): void {
    const { claimOffset, logId } = this.#counter;
    if (record.kind !== 'checkpoint' || record.logId !== logId) return;
    const { claim } = record;
    if (claim >= this.#from ? this.#claims.has(claim) : claim <= (claimOffset ?? 0)) return;
    throw historyLost(this.#prefix, `the claim at offset ${claim} was not there before`);
  }

  async #fetch(signal: AbortSignal): Promise<Fetched | undefined> {
    const cursor = { topic: this.#topic, partition: 0, offset: this.#offset };
    const ahead = this.#memory.ahead();
    const fetched = await this.#read([cursor, ...ahead], signal).catch(async (error: unknown) => {
      signal.throwIfAborted();
      if (ahead.length === 0) throw error;
      // Reading ahead is a guess (a topic may be gone by right): only what checkpoints name is of account.
      this.#memory.forgetAhead();
      return await this.#read([cursor], signal);
    });
    for (const each of fetched) if (each.topic !== this.#topic) this.#memory.take(each);
    return fetched.find(({ topic }) => topic === this.#topic);
  }

  #read(cursors: readonly Cursor[], signal: AbortSignal): Promise<readonly Fetched[]> {
    return this.#log.read(cursors, LEDGER_BYTES, WAIT_MS, signal);
  }
}
