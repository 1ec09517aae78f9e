import { randomInt } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readBatches } from '../record-reader.ts';
import { type OwnedDirectory, publishFile, unfinishedPath } from './durable-file.ts';
import { fetchBatches } from './fetch-batches.ts';
import { encodeFileHeader, encodeFrameHead, type FileHeader, type PlacedBatch } from './format.ts';
import { type Contents, LogFile } from './log-file.ts';
import { fileName } from './recovery.ts';
import type { Segments } from './segments.ts';

/** How many bytes are copied at once. */
const COPY_BYTES = 1_048_576;

/** What a kept file carries on of one topic: the batches with records in `[start, end)`. */
export interface Carried {
  readonly topic: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Copies what is kept of `sources` (the kept file before, then segments up to `number`, in order) into a new kept file. When this
 * resolves it is durable under its name, and the sources may go.
 */
export async function writeKeptFile(
  directory: OwnedDirectory,
  number: number,
  segments: Segments,
  sources: readonly LogFile[],
  carried: readonly Carried[],
): Promise<LogFile> {
  const name = fileName('kept', number);
  const unfinished = unfinishedPath(directory, name);
  const bases = new Map(carried.filter(({ start, end }) => start < end).map(({ topic, end }) => [topic, end]));
  const header: FileHeader = { kind: 'kept', number, salt: randomInt(2 ** 32), firstSequence: 0, bases };
  const handle = await open(unfinished, 'w');
  try {
    const writer = new KeptWriter(handle, header);
    await writer.begin();
    for (const file of sources) {
      await file.use(segments.next(file), async (contents) => {
        for (const each of carried) await writer.copy(contents, each);
      });
    }
    await handle.sync();
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await publishFile(directory, name);
  return new LogFile(join(directory.path, name), header);
}

class KeptWriter {
  readonly #handle: FileHandle;
  readonly #header: FileHeader;
  #sequence = 0;

  constructor(handle: FileHandle, header: FileHeader) {
    this.#handle = handle;
    this.#header = header;
  }

  async begin(): Promise<void> {
    await this.#handle.appendFile(encodeFileHeader(this.#header));
  }

  async copy(contents: Contents, { topic, start }: Carried): Promise<void> {
    const batches = contents.index.topics.get(topic);
    if (batches === undefined) return;
    for (let offset = Math.max(start, batches.base(0)); offset < batches.end; ) {
      const bytes = await fetchBatches(contents, topic, offset, COPY_BYTES);
      offset = await this.#write(topic, bytes);
    }
  }

  /** Writes one frame and returns the offset behind it. */
  async #write(topic: number, bytes: Buffer): Promise<number> {
    const placed: PlacedBatch[] = [];
    for (const { start, end, base, count } of readBatches(bytes))
      placed.push({ topic, base, count, size: end - start });
    const last = placed.at(-1);
    if (last === undefined) throw new Error(`Nothing was read of topic ${topic} of an embedded log`);
    await this.#handle.appendFile(encodeFrameHead(this.#sequence++, placed, [bytes], this.#header.salt));
    await this.#handle.appendFile(bytes);
    return last.base + last.count;
  }
}
