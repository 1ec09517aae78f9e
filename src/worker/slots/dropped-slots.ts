import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { describeError, OperatorError } from '../../errors.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';
import type { ConnectorFailure } from '../status.ts';

/** A slot that was dropped by policy, and what its connector says since. */
interface Dropped {
  readonly connector: string;
  readonly slot: string;
  readonly message: string;
  readonly advice: string;
}

interface Content {
  readonly version: 1;
  readonly dropped: readonly Dropped[];
}

const NAME = 'dropped-slots.json';

/**
 * Slots that the policy has dropped, kept in the state directory: however often the daemon or the connector is started, it does not begin anew with another slot before a
 * person has said so, by `rowcast offsets reset`, `accept` or `rowcast delete`, or by another slot.name.
 */
export class DroppedSlots {
  readonly #path: string;
  #dropped: readonly Dropped[];

  private constructor(path: string, dropped: readonly Dropped[]) {
    this.#path = path;
    this.#dropped = dropped;
  }

  /** Throws OperatorError when the file is there and cannot be read: a gap must not be passed over by mistake. */
  static read(stateDirectory: string): DroppedSlots {
    const path = join(stateDirectory, NAME);
    try {
      return new DroppedSlots(path, droppedIn(readFileSync(path, 'utf8')));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new DroppedSlots(path, []);
      throw new OperatorError(`${path}, the list of slots that were dropped, cannot be read`, {
        cause: new Error(describeError(cause)),
        advice:
          'Correct or remove it; without it a connector whose slot was dropped before its first copy was finished begins that copy anew.',
      });
    }
  }

  /** What stands against a start of this connector. */
  of(connector: ConnectorFile): ConnectorFailure | undefined {
    if (connector.kind !== 'PostgresWalSource') return undefined;
    const { name, config } = connector;
    return this.#dropped.find((each) => each.connector === name && each.slot === config.slot);
  }

  /** Stored when it resolves. Calls must not overlap. */
  async add(dropped: Dropped): Promise<void> {
    await this.#store([...this.#dropped.filter(({ connector }) => connector !== dropped.connector), dropped]);
  }

  async forget(name: string): Promise<void> {
    const kept = this.#dropped.filter(({ connector }) => connector !== name);
    if (kept.length < this.#dropped.length) await this.#store(kept);
  }

  /** Forgets the connector that this request has decided about. */
  async decided(request: OperatorRequest, { value }: OperatorAnswer): Promise<void> {
    const isAccepted = request.kind === 'accept' && (value as { readonly accepted?: unknown }).accepted !== null;
    if (request.kind === 'reset' || request.kind === 'delete' || isAccepted)
      await this.forget(request.connector as string);
  }

  async #store(dropped: readonly Dropped[]): Promise<void> {
    const content: Content = { version: 1, dropped };
    await writeFile(`${this.#path}.next`, `${JSON.stringify(content, undefined, 2)}\n`, { flush: true });
    await rename(`${this.#path}.next`, this.#path);
    this.#dropped = dropped;
  }
}

function droppedIn(text: string): readonly Dropped[] {
  const { version, dropped } = JSON.parse(text) as Partial<Content>;
  const isRight =
    version === 1 &&
    Array.isArray(dropped) &&
    dropped.every((each: Partial<Dropped>) =>
      [each.connector, each.slot, each.message, each.advice].every((member) => typeof member === 'string'),
    );
  if (!isRight) throw new Error('it is not what this version of Rowcast writes');
  return dropped as readonly Dropped[];
}
