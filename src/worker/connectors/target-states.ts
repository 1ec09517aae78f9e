import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, OperatorError } from '../../errors.ts';

/** What an operator wants a connector to do, in Connect's words. PAUSED and STOPPED ones do not run; only of a STOPPED one offsets can be changed. */
export type TargetState = 'RUNNING' | 'PAUSED' | 'STOPPED';

interface Content {
  readonly version: 1;
  /** By name; who is not here is to run. */
  readonly targets: Readonly<Record<string, Exclude<TargetState, 'RUNNING'>>>;
}

const NAME = 'targets.json';

/**
 * Which connectors an operator has paused or stopped, kept in the state directory: a restart of the daemon, or a file that goes and comes
 * back, does not make them run.
 */
export class TargetStates {
  readonly #path: string;
  #targets: ReadonlyMap<string, Exclude<TargetState, 'RUNNING'>>;

  private constructor(path: string, targets: Content['targets']) {
    this.#path = path;
    this.#targets = new Map(Object.entries(targets));
  }

  /** Throws OperatorError when the file is there and cannot be read: what somebody has stopped must not run by mistake. */
  static async read(stateDirectory: string): Promise<TargetStates> {
    const path = join(stateDirectory, NAME);
    try {
      return new TargetStates(path, targetsIn(await readFile(path, 'utf8')));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new TargetStates(path, {});
      throw new OperatorError(`${path}, the list of paused and stopped connectors, cannot be read`, {
        cause: new Error(describeError(cause)),
        advice: 'Correct or remove it; without it every connector runs.',
      });
    }
  }

  /** What the connector of this name is to do. */
  of(connector: string): TargetState {
    return this.#targets.get(connector) ?? 'RUNNING';
  }

  /** Stores it first: what is said to be stopped stays so. Calls must not overlap. */
  async set(connector: string, target: TargetState): Promise<void> {
    if (this.of(connector) === target) return;
    const others = [...this.#targets].filter(([name]) => name !== connector);
    const targets = new Map(target === 'RUNNING' ? others : [...others, [connector, target] as const]);
    const content: Content = { version: 1, targets: Object.fromEntries(targets) };
    await writeFile(`${this.#path}.next`, `${JSON.stringify(content, undefined, 2)}\n`, { flush: true });
    await rename(`${this.#path}.next`, this.#path);
    this.#targets = targets;
  }
}

function targetsIn(text: string): Content['targets'] {
  const { version, targets } = JSON.parse(text) as Partial<Content>;
  const isRight =
    version === 1 &&
    typeof targets === 'object' &&
    Object.values(targets).every((each: unknown) => each === 'PAUSED' || each === 'STOPPED');
  if (!isRight) throw new Error('it is not what this version of Rowcast writes');
  return targets;
}
