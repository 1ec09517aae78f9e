import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../observe/logger.ts';

/** A replication slot that a connector of this daemon has used. */
export interface KnownSlot {
  readonly connector: string;
  /** `host:port` */
  readonly server: string;
  /** Where the slot is; undefined in lists of earlier versions. Kept so that a person can be told, never a secret. */
  readonly database: string | undefined;
  readonly slot: string;
}

interface Content {
  readonly version: 1;
  readonly slots: readonly KnownSlot[];
}

const NAME = 'slots.json';

/** The slots that connectors of this daemon have used, kept in its state directory, so that one that nobody uses any more is noticed. */
export class KnownSlots {
  readonly #path: string;
  #slots: readonly KnownSlot[];

  private constructor(path: string, slots: readonly KnownSlot[]) {
    this.#path = path;
    this.#slots = slots;
  }

  /** Begins anew when the file cannot be read: it is a help for people, and nothing depends on it. */
  static async read(stateDirectory: string, logger: Pick<Logger, 'warn'>): Promise<KnownSlots> {
    const path = join(stateDirectory, NAME);
    try {
      const content = JSON.parse(await readFile(path, 'utf8')) as Content;
      return new KnownSlots(path, content.slots.filter(isKnownSlot));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') logger.warn('list of slots was begun anew', { path });
      return new KnownSlots(path, []);
    }
  }

  get slots(): readonly KnownSlot[] {
    return this.#slots;
  }

  /** Adds or renews what is used, forgets what is gone, and stores the rest. */
  async update(used: readonly KnownSlot[], gone: readonly KnownSlot[] = []): Promise<void> {
    const kept = this.#slots.filter((each) => !gone.some((other) => isSameSlot(each, other)));
    const others = kept.filter((each) => !used.some((other) => isSameSlot(each, other)));
    const next = [...others, ...unique(used)];
    if (textOf(next) === textOf(this.#slots)) return;
    this.#slots = next;
    await this.#store();
  }

  /** Forgets what a connector has used. */
  async forget(connector: string): Promise<void> {
    const kept = this.#slots.filter((each) => each.connector !== connector);
    if (kept.length === this.#slots.length) return;
    this.#slots = kept;
    await this.#store();
  }

  async #store(): Promise<void> {
    const content: Content = { version: 1, slots: this.#slots };
    await writeFile(`${this.#path}.next`, `${JSON.stringify(content, undefined, 2)}\n`);
    await rename(`${this.#path}.next`, this.#path);
  }
}

/** One slot, whichever connector used it. */
export function isSameSlot(a: KnownSlot, b: KnownSlot): boolean {
  return a.server === b.server && a.slot === b.slot;
}

function unique(slots: readonly KnownSlot[]): readonly KnownSlot[] {
  return slots.filter((each, i) => slots.findIndex((other) => isSameSlot(each, other)) === i);
}

/** The same for the same slots, in whatever order. */
function textOf(slots: readonly KnownSlot[]): string {
  const texts = slots.map(({ connector, server, database, slot }) =>
    JSON.stringify([server, slot, connector, database]),
  );
  return texts.sort().join();
}

/** As versions before this one wrote it, without the database, or as it is now. */
function isKnownSlot(value: unknown): value is KnownSlot {
  const { connector, server, database, slot } = value as Partial<KnownSlot>;
  return [connector, server, slot, database ?? ''].every((each) => typeof each === 'string');
}
