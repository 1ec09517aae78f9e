import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROGRAM } from '../program.ts';

/** The time of day as the service under test has it, in all of its threads: right at first. */
export class DaemonClock {
  readonly #file: string;
  #offsetMs = 0;

  /** Keeps a file in `directory`. */
  constructor(directory: string) {
    this.#file = join(directory, 'clock-offset');
  }

  /** What a process gets as an option of Node.js to have this clock. */
  get option(): string {
    const shifted = pathToFileURL(join(PROGRAM, 'torture', 'shifted-clock.js'));
    shifted.searchParams.set('file', pathToFileURL(this.#file).href);
    return `--import=${shifted.href}`;
  }

  /** Milliseconds since 1970. */
  get now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Sets it so many milliseconds ahead, or back. */
  async jump(ms: number): Promise<void> {
    this.#offsetMs += ms;
    const written = `${this.#file}.tmp`;
    await writeFile(written, String(this.#offsetMs));
    await rename(written, this.#file); // nobody reads half of a number
  }
}
