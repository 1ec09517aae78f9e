import { statSync } from 'node:fs';
import type { ReadFile } from '../../connector/load-file.ts';

/** A file that is gone counts as there for this long: editors and deployments remove a file before they write it anew. */
const GONE_AFTER_MS = 500;

/** The directory of connector files at one moment. */
export interface Look {
  /** By path. Of files that have just gone: as they were. */
  readonly files: readonly ReadFile[];
  /** Files that were written since the look before, with whatever content. */
  readonly touched: ReadonlySet<string>;
  /** The picture is not final: look again after this many milliseconds. */
  readonly againMs: number | undefined;
}

/** Remembers a directory of connector files from look to look; `read` reads all of its files anew, with the secrets that they refer to. */
export class Folder {
  readonly directory: string;
  readonly #read: () => readonly ReadFile[];
  #files: ReadonlyMap<string, ReadFile> = new Map();
  #written: ReadonlyMap<string, number> = new Map();
  readonly #goneSince = new Map<string, number>();

  constructor(directory: string, read: () => readonly ReadFile[]) {
    this.directory = directory;
    this.#read = read;
  }

  /** Reads all files. OperatorError when the directory cannot be read. `now` is in milliseconds. */
  look(now: number): Look {
    const present = new Map(this.#read().map((read) => [read.file, read]));
    const written = new Map([...present.keys()].map((file) => [file, writtenAt(file)]));
    const touched = new Set([...written].filter(([file, at]) => this.#written.get(file) !== at).map(([file]) => file));
    const gone = this.#justGone(present, now);
    this.#files = new Map([...present, ...gone]);
    this.#written = written;
    const files = [...this.#files.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
    return { files, touched, againMs: gone.size > 0 ? GONE_AFTER_MS : undefined };
  }

  /** Says that a file was removed on purpose: it does not count as there for a while. */
  forget(file: string): void {
    this.#files = new Map([...this.#files].filter(([each]) => each !== file));
    this.#goneSince.delete(file);
  }

  /** Files of the last look that are missing since a moment, unless another file has taken their connector over. */
  #justGone(present: ReadonlyMap<string, ReadFile>, now: number): ReadonlyMap<string, ReadFile> {
    for (const file of present.keys()) this.#goneSince.delete(file);
    const names = new Set([...present.values()].map(nameOf));
    const just = new Map<string, ReadFile>();
    for (const [file, read] of this.#files) {
      if (present.has(file)) continue;
      const since = this.#goneSince.get(file) ?? now;
      this.#goneSince.set(file, since);
      const name = nameOf(read);
      const isTaken = name !== undefined && names.has(name);
      if (now - since < GONE_AFTER_MS && !isTaken) just.set(file, read);
      else this.#goneSince.delete(file);
    }
    return just;
  }
}

function nameOf(read: ReadFile): string | undefined {
  return 'connector' in read ? read.connector.name : read.name;
}

/** 0 for a file that is gone since it was read, and for one that cannot be looked at: that it cannot be read either is told of that file alone. */
function writtenAt(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0; // a link in a circle, or into a directory that is closed to us
  }
}
