import { type FileHandle, open, stat, unlink } from 'node:fs/promises';
import { TransientError } from '../../errors.ts';
import type { BatchIndex } from './batch-index.ts';
import { type OwnedDirectory, publishFile, unfinishedPath } from './durable-file.ts';
import { damaged, decodeFileHeader, encodeFileHeader, type FileHeader, fileHeaderBytes, missing } from './format.ts';
import { FrameCheck, type NextHeader } from './frame-check.ts';
import { readInto, type ScannedFile, scanFrames } from './frame-scan.ts';

/** An open file and where its batches lie. */
export interface Contents extends ScannedFile {
  readonly index: BatchIndex;
}

/**
 * One file of the log. What it holds is checked and indexed when it is first read, and forgotten again when it has not been
 * read for long (see `OpenFiles`), so that memory does not grow with the log.
 */
export class LogFile {
  readonly path: string;
  readonly header: FileHeader;
  #contents: Promise<Contents> | undefined;
  #users = 0;
  #unused: (() => void) | undefined;

  constructor(path: string, header: FileHeader, contents?: Contents) {
    this.path = path;
    this.header = header;
    this.#contents = contents === undefined ? undefined : Promise.resolve(contents);
  }

  /** The offset that the topic's next record had when this segment began. */
  base(topic: number): number {
    return this.header.bases.get(topic) ?? 0;
  }

  /**
   * Works with the file's contents, loading them if need be; the file stays open until `work` has ended. `next` is the
   * segment that follows. OperatorError when the file is damaged.
   */
  async use<T>(next: NextHeader, work: (contents: Contents) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work(await this.#load(next));
    } catch (error) {
      throw translated(error, this.path);
    } finally {
      if (--this.#users === 0) this.#unused?.();
    }
  }

  /** Closes the file, unless somebody reads it; it is loaded again when it is used again. */
  async unload(): Promise<void> {
    if (this.#users > 0) return;
    await this.#close();
  }

  /** Closes the file as soon as nobody reads it any more. */
  async close(): Promise<void> {
    if (this.#users > 0) await new Promise<void>((resolve) => (this.#unused = resolve));
    await this.#close();
  }

  /** Deletes the file as soon as nobody reads it any more. */
  async remove(): Promise<void> {
    await this.close();
    await unlink(this.path);
  }

  async #load(next: NextHeader): Promise<Contents> {
    const contents = (this.#contents ??= load(this.path, this.header, next));
    try {
      return await contents;
    } catch (error) {
      if (this.#contents === contents) this.#contents = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    const contents = await this.#contents;
    this.#contents = undefined;
    await contents?.handle.close();
  }
}

/**
 * Creates a file that so far is only a header of `size` bytes, durably, and leaves it open: once it has its name, somebody who takes the directory over
 * may put another in its place.
 */
export async function createLogFile(
  directory: OwnedDirectory,
  name: string,
  header: FileHeader,
): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  const handle = await open(unfinishedPath(directory, name), 'w+');
  try {
    const bytes = encodeFileHeader(header);
    await handle.write(bytes, 0, bytes.length, 0);
    await handle.sync();
    await publishFile(directory, name);
    return { handle, size: bytes.length };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Throws OperatorError when the open file no longer is the one of its name: nobody would find again what is written to it. */
export async function requireNamed({ handle, path }: ScannedFile): Promise<void> {
  try {
    const [written, named] = await Promise.all([handle.stat(), stat(path)]);
    if (written.ino !== named.ino) throw missing(path);
  } catch (error) {
    throw translated(error, path);
  }
}

/** Reads a file's header; OperatorError when it is damaged or of a newer format. */
export async function readFileHeader(file: ScannedFile): Promise<FileHeader> {
  const { size } = await file.handle.stat();
  let bytes = Buffer.alloc(0);
  for (let wanted = fileHeaderBytes(bytes); bytes.length < wanted && wanted <= size; ) {
    bytes = Buffer.alloc(wanted);
    await readInto(file, 0, bytes, 0, wanted);
    wanted = fileHeaderBytes(bytes);
  }
  return decodeFileHeader(bytes, file.path);
}

/** Checks every frame of a complete file: whatever is wrong in it is damage, because nothing is written to it any more. */
async function load(path: string, header: FileHeader, next: NextHeader): Promise<Contents> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const check = new FrameCheck(path, header);
    const start = encodeFileHeader(header).length;
    const end = await scanFrames({ handle, path }, start, size, header.salt, (...frame) => check.accept(...frame));
    if (end < size) throw damaged(path, end);
    check.acceptEnd(next, size);
    return { handle, path, index: check.index };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function translated(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  if ('code' in error && error.code === 'ENOENT') return missing(path);
  return new TransientError(`Embedded log file "${path}" could not be read`, { cause: error });
}
