import { TransientError } from '../errors.ts';
import type { EmbeddedLog } from '../log/embedded/embedded-log.ts';
import type { Log } from '../log/log.ts';

/**
 * An embedded log that is opened again when a failed write has made it unusable: the call that failed still fails (its outcome
 * is unknown), and what comes after it, the next run of its task, finds a recovered log.
 */
export class ReopeningLog implements Log {
  readonly #open: () => Promise<EmbeddedLog>;
  #log: EmbeddedLog;
  #opening: Promise<EmbeddedLog> | undefined;

  private constructor(open: () => Promise<EmbeddedLog>, log: EmbeddedLog) {
    this.#open = open;
    this.#log = log;
  }

  static async open(open: () => Promise<EmbeddedLog>): Promise<ReopeningLog> {
    return new ReopeningLog(open, await open());
  }

  get clusterId(): string {
    return this.#log.clusterId;
  }

  async topics(...args: Parameters<Log['topics']>): ReturnType<Log['topics']> {
    return await (await this.#usable()).topics(...args);
  }

  async createTopics(...args: Parameters<Log['createTopics']>): Promise<void> {
    await (await this.#usable()).createTopics(...args);
  }

  async publish(...args: Parameters<Log['publish']>): ReturnType<Log['publish']> {
    return await (await this.#usable()).publish(...args);
  }

  async read(...args: Parameters<Log['read']>): ReturnType<Log['read']> {
    return await (await this.#usable()).read(...args);
  }

  async bounds(...args: Parameters<Log['bounds']>): ReturnType<Log['bounds']> {
    return await (await this.#usable()).bounds(...args);
  }

  async trim(...args: Parameters<Log['trim']>): Promise<void> {
    await (await this.#usable()).trim(...args);
  }

  async release(...args: Parameters<Log['release']>): Promise<void> {
    await (await this.#usable()).release(...args);
  }

  /** See EmbeddedLog.readers. */
  get readers(): readonly string[] {
    return this.#log.readers;
  }

  /** See EmbeddedLog.forget. */
  async forget(...args: Parameters<EmbeddedLog['forget']>): Promise<void> {
    await (await this.#usable()).forget(...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
  }

  async #usable(): Promise<EmbeddedLog> {
    if (!this.#log.isBroken) return this.#log;
    this.#opening ??= this.#reopen().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  async #reopen(): Promise<EmbeddedLog> {
    try {
      await this.#log[Symbol.asyncDispose]();
      this.#log = await this.#open();
      return this.#log;
    } catch (error) {
      // It could be opened before: whatever the system refuses now (a disk is still full, say) may pass.
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      throw new TransientError(`Embedded log "${this.#log.directory}" could not be opened again`, {
        cause: error,
        advice:
          'It is tried again by itself. Check the disk, its free space and the limit of open files when this repeats.',
      });
    }
  }
}
