import { isWhole } from '../../src/change/copy-state.ts';
import type { Position } from '../../src/change/position.ts';
import { type Checkpoint, decodeLedgerRecord } from '../../src/log/protocol/records.ts';
import type { RecordReader } from '../../src/log/record-reader.ts';
import { isWide } from './world/postgres.ts';

/** What outlives the loss of a log: what operators have asked for. */
export interface Asked {
  /** Daemons of which some process was asked to take over. */
  readonly daemons: Set<string>;
  /** How often a reset of the source was asked for. */
  resets: number;
}

/** Counts checkpoints by rules of its own, not by those of `src/`: what a source acknowledges must stand in the log, which changes hands only when asked. */
export class LedgerChecker {
  readonly #asked: Asked;
  readonly #violation: (what: string) => void;
  #claim: number | undefined;
  #logId: string | undefined;
  #seen = new Set<string>();
  readonly #claimants = new Map<number, string>();
  #owner: string | undefined;
  /** Claims of sources whose lists leave nothing out. */
  readonly #wide = new Set<number>();
  /** Where a copy that was not finished was begun again: lists or tables are other ones, or somebody has made another slot. */
  readonly anewAt: Set<Position> = new Set();
  /** Everything was captured so far, nothing left out. */
  #isCovered = false;
  /** Resets that count. */
  resets = 0;
  #isConsistent = false;
  /** The position that a copy has to reach which several snapshots made; undefined while there is none such. */
  #level: Position | undefined;
  hasLevel = false;
  /** Position of the last checkpoint that counts. */
  position: Position | undefined;
  #isReread = false;
  /** What it was before the topic lost records: whoever has seen it stored may say so. */
  #lost: Position | undefined;
  counting = 0;
  ignored = 0;
  inParts = 0;

  constructor(asked: Asked, violation: (what: string) => void) {
    this.#asked = asked;
    this.#violation = violation;
  }

  /** What is known once the topic has lost records, and has only these. */
  after(left: Iterable<RecordReader>): LedgerChecker {
    let isMute = true;
    const ledger = new LedgerChecker(this.#asked, (what) => {
      if (!isMute) this.#violation(what);
    });
    for (const reader of left) ledger.stored(reader);
    for (const position of this.anewAt) ledger.anewAt.add(position);
    ledger.resets = this.resets;
    ledger.hasLevel ||= this.hasLevel;
    ledger.#isReread = true;
    ledger.#lost = this.position ?? this.#lost;
    isMute = false;
    return ledger;
  }

  /** A record of the checkpoints topic was stored, by whomever. */
  stored(reader: RecordReader): void {
    if (reader.valueStart < 0) return;
    const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), 'checkpoints');
    if (record === undefined) return;
    this.#logId ??= record.logId;
    if (record.kind === 'claim') {
      if (record.logId === this.#logId) this.#claim = reader.offset;
      this.#claimants.set(reader.offset, record.daemon);
      if (record.capture !== undefined && isWide(record.capture)) this.#wide.add(reader.offset);
      return;
    }
    if (record.kind === 'acceptance') return;
    if (this.#isReread) this.#claim ??= record.claim; // the claim is lost (V6)
    const name = `${record.nonce}/${record.part}`;
    const isCopy = this.#seen.has(name);
    this.#seen.add(name);
    if (isCopy || record.claim !== this.#claim || record.logId !== this.#logId) {
      this.ignored++;
      return;
    }
    for (let part = 0; part < record.part; part++) {
      if (this.#seen.has(`${record.nonce}/${part}`)) continue;
      if (this.#isReread) return void this.ignored++;
      return this.#violation('a part of a checkpoint is missing');
    }
    if (!record.last) return;
    this.counting++;
    if (record.part > 0) this.inParts++;
    this.#assertOwner(this.#claimants.get(record.claim) ?? this.#owner);
    if (this.position !== undefined && record.position < this.position) {
      this.#violation(`position falls from ${this.position} to ${record.position}`);
    }
    if (this.position !== undefined && !record.consistent && record.copy === undefined)
      this.anewAt.add(record.position);
    this.position = record.position;
    if (this.#isConsistent && !record.consistent && ++this.resets > this.#asked.resets) {
      this.#violation('a copy began again though nobody had asked for it');
    }
    this.#isConsistent = record.consistent;
    this.#checkLevel(record);
    this.#assertCovered(this.#wide.has(record.claim), record.consistent);
  }

  /** Wider lists count from a copy under them on, and never behind narrower ones. */
  #assertCovered(isNowWide: boolean, consistent: boolean): void {
    if (isNowWide && consistent && !this.#isCovered) this.#violation('lists take in what was never captured');
    this.#isCovered = isNowWide;
  }

  /** What several snapshots read is of one moment only where the stream has passed the last one. */
  #checkLevel({ copy, position, consistent }: Checkpoint): void {
    if (!consistent) {
      this.#level = copy?.point;
      this.hasLevel ||= copy !== undefined && isWhole(copy);
    } else if (this.#level !== undefined) {
      if (position < this.#level) this.#violation(`called consistent at ${position}, below ${this.#level}`);
      this.#level = undefined;
    }
  }

  /** The log changes hands only when an operator asked for it. */
  #assertOwner(daemon: string | undefined): void {
    if (
      daemon !== undefined &&
      this.#owner !== undefined &&
      this.#owner !== daemon &&
      !this.#asked.daemons.has(daemon)
    ) {
      this.#violation(`daemon ${daemon} took over from ${this.#owner} without being asked`);
    }
    this.#owner = daemon;
  }

  /** The server was told that it may forget everything below `position`. */
  acknowledged(position: Position): void {
    if ([this.position, this.#lost].some((known) => known !== undefined && position <= known)) return;
    this.#violation(`acknowledged ${position}, the log's last checkpoint is at ${this.position}`);
  }
}
