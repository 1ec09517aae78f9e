import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { failPoint } from '../../failpoint.ts';
import type { OwnedDirectory } from './durable-file.ts';
import { encodeFrameHead, type FileHeader, type PlacedBatch } from './format.ts';
import { fetchBatches } from './fetch-batches.ts';
import { FrameCheck, type NextHeader } from './frame-check.ts';
import { createLogFile, LogFile, requireNamed } from './log-file.ts';
import { type ActiveSegment, fileName, type Mark, recover } from './recovery.ts';

/** How many complete files are kept open and indexed; about 7 MB each at the worst, for as many readers at different places. */
const MAX_LOADED_FILES = 8;

/** The files of a log: one that is written, complete ones before it, and one with what was kept of dropped ones. */
export class Segments {
  readonly #directory: OwnedDirectory;
  readonly #segmentBytes: number;
  #kept: LogFile | undefined;
  #sealed: LogFile[];
  #active: ActiveSegment;
  #size: number;
  #sequence: number;
  /** By topic number: the offset that the next record will be given. Only what is durable counts. */
  readonly #ends: Map<number, number>;
  /** The complete files that are loaded, the one that was used last at the end. */
  readonly #loaded = new Set<LogFile>();

  private constructor(
    directory: OwnedDirectory,
    segmentBytes: number,
    kept: LogFile | undefined,
    sealed: LogFile[],
    active: ActiveSegment,
  ) {
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
    this.#kept = kept;
    this.#sealed = sealed;
    this.#active = active;
    this.#size = active.size;
    this.#sequence = active.nextSequence;
    this.#ends = new Map(active.file.header.bases);
    for (const [topic, { end }] of active.contents.index.topics) this.#ends.set(topic, end);
  }

  /** Opens the files and recovers from a crash. A directory without any gets its first segment. */
  static async open(directory: OwnedDirectory, segmentBytes: number, mark: Mark | undefined): Promise<Segments> {
    const { kept, sealed, active } = await recover(directory.path, mark);
    const first = active ?? (await createSegment(directory, 1, 0, new Map()));
    return new Segments(directory, segmentBytes, kept, sealed, first);
  }

  /** True when nothing was ever stored here. */
  get isNew(): boolean {
    return this.#active.file.header.number === 1 && this.#sequence === 0;
  }

  get mark(): Mark {
    return { segment: this.#active.file.header.number, size: this.#size };
  }

  get kept(): LogFile | undefined {
    return this.#kept;
  }

  /** Complete segments, the oldest first. */
  get sealed(): readonly LogFile[] {
    return this.#sealed;
  }

  /** The offset that the topic's next record will be given. */
  end(topic: number): number {
    return this.#ends.get(topic) ?? 0;
  }

  /** The first offset that the segments have (a kept file may have earlier ones). */
  start(topic: number): number {
    return (this.#sealed[0] ?? this.#active.file).base(topic);
  }

  /** What follows a complete file: where it must end. */
  next(file: LogFile): NextHeader {
    const following = this.#sealed[this.#sealed.indexOf(file) + 1] ?? this.#active.file;
    return following.header;
  }

  /**
   * Stores `body`, the bytes of `batches`, as one commit: after a crash all of it is there or nothing. When this throws
   * nobody knows, and the log must be opened again: a failed sync is never repeated, because it may claim success the second time.
   */
  async commit(batches: readonly PlacedBatch[], body: readonly Buffer[]): Promise<void> {
    if (this.#size >= this.#segmentBytes) await this.#roll();
    const { file, contents } = this.#active;
    const head = encodeFrameHead(this.#sequence, batches, body, file.header.salt);
    const length = body.reduce((sum, bytes) => sum + bytes.length, head.length);
    failPoint('log.before-data');
    const { bytesWritten } = await contents.handle.writev([head, ...body], this.#size);
    if (bytesWritten !== length) throw new Error(`Only ${bytesWritten} of ${length} bytes were written`);
    failPoint('log.data-stored');
    await contents.handle.datasync();
    await requireNamed(contents);
    failPoint('log.checkpoint-stored');
    contents.index.addFrame(batches, this.#size + head.length);
    this.#size += length;
    this.#sequence++;
    for (const { topic, base, count } of batches) this.#ends.set(topic, base + count);
  }

  /** Batches of one topic from the one that holds `offset` on, from one file; empty when there are none. */
  async fetch(topic: number, offset: number, maxBytes: number): Promise<Buffer> {
    const file = this.#fileOf(topic, offset);
    const fetched = file.use(this.next(file), (contents) => fetchBatches(contents, topic, offset, maxBytes));
    if (file === this.#active.file) return await fetched;
    this.touch(file);
    try {
      return await fetched;
    } finally {
      await this.#unloadOldest();
    }
  }

  /** Notes that a complete file is used, so that it is unloaded later than others. */
  touch(file: LogFile): void {
    this.#loaded.delete(file);
    this.#loaded.add(file);
  }

  /** Puts `kept` in the place of the segments up to its number and of the kept file before, and deletes those. */
  async replaceBy(kept: LogFile): Promise<void> {
    const replaced = this.#sealed.filter((file) => file.header.number <= kept.header.number);
    if (this.#kept !== undefined) replaced.unshift(this.#kept);
    this.#sealed = this.#sealed.slice(replaced.length - (this.#kept === undefined ? 0 : 1));
    this.#kept = kept;
    for (const file of replaced) {
      this.#loaded.delete(file);
      await file.remove();
      failPoint('log.file-removed');
    }
  }

  async close(): Promise<void> {
    for (const file of [this.#kept, ...this.#sealed, this.#active.file]) await file?.close();
  }

  /** The last file whose records of the topic begin at or below `offset`. */
  #fileOf(topic: number, offset: number): LogFile {
    if (this.#active.file.base(topic) <= offset) return this.#active.file;
    let low = 0;
    let high = this.#sealed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sealed[middle] as LogFile).base(topic) <= offset) low = middle + 1;
      else high = middle;
    }
    const file = low === 0 ? this.#kept : this.#sealed[low - 1];
    if (file === undefined) throw new Error(`Offset ${offset} lies before the first segment`);
    return file;
  }

  async #roll(): Promise<void> {
    const full = this.#active.file;
    this.#active = await createSegment(this.#directory, full.header.number + 1, this.#sequence, this.#ends);
    failPoint('log.segment-rolled');
    this.#sealed.push(full);
    this.#size = this.#active.size;
    this.touch(full);
    await this.#unloadOldest();
  }

  async #unloadOldest(): Promise<void> {
    for (const file of this.#loaded) {
      if (this.#loaded.size <= MAX_LOADED_FILES) return;
      this.#loaded.delete(file);
      await file.unload();
    }
  }
}

async function createSegment(
  directory: OwnedDirectory,
  number: number,
  firstSequence: number,
  ends: ReadonlyMap<number, number>,
): Promise<ActiveSegment> {
  const name = fileName('segment', number);
  const path = join(directory.path, name);
  const header: FileHeader = { kind: 'segment', number, salt: randomInt(2 ** 32), firstSequence, bases: new Map(ends) };
  const { handle, size } = await createLogFile(directory, name, header);
  const { index, sequence } = new FrameCheck(path, header);
  const contents = { handle, path, index };
  return { file: new LogFile(path, header, contents), contents, size, nextSequence: sequence };
}
