import { type ConnectorFile, isSource } from '../../connector/load-file.ts';
import { maskConnector } from '../../connector/connector-classes.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ConnectorView } from '../rest/daemon-view.ts';
import type { ConnectorFailure, ConnectorStatus } from '../status.ts';
import type { RunningTask, TaskPool } from '../task-pool.ts';
import { effectiveDigest } from './effective.ts';
import { leftovers } from './leftovers.ts';
import { Place } from './place.ts';
import type { TargetState } from './target-states.ts';
import { NOTHING_WANTED, type Wanted } from './wanted.ts';

export interface ConnectorSetOptions {
  readonly pool: Pick<TaskPool, 'start'>;
  readonly logger: Logger;
  /** Take the first connectors over from another daemon, once. */
  readonly takeOver: boolean;
  /** Hears of every connector that starts. */
  readonly onStart: (connector: ConnectorFile) => void;
  /** Hears of every connector that was stopped because no file has it any more. */
  readonly onRemoved: (connector: ConnectorFile) => void;
  /** What an operator wants a connector of this name to do; absent: to run. */
  readonly target?: (name: string) => TargetState;
  /** What stands against its start. */
  readonly obstacle?: (connector: ConnectorFile) => ConnectorFailure | undefined;
}

const DELETED =
  'It was deleted, but its file is still there: remove it. Written again it runs again, from where it was if its slot and progress are still there; ' +
  'if not, `rowcast offsets reset` with its name lets it begin from scratch.';

/** All connectors of the daemon: what is wanted, what runs, and the way from one to the other. */
export class ConnectorSet {
  readonly #options: ConnectorSetOptions;
  readonly #places = new Map<string, Place>();
  /** The warnings that were told last, by connector. */
  readonly #warned = new Map<string, string>();
  /** Connectors that were removed, for whoever wants to clean up after them. */
  readonly #removed = new Map<string, ConnectorFile>();
  /** Connectors that were deleted while their files are still there: they do not start again by themselves. */
  readonly #deleted = new Map<string, string>();
  #wanted: Wanted = NOTHING_WANTED;
  #takeOver: boolean;
  #isClosed = false;

  constructor(options: ConnectorSetOptions) {
    this.#options = options;
    this.#takeOver = options.takeOver;
  }

  get wanted(): Wanted {
    return this.#wanted;
  }

  /**
   * Brings what runs to what is wanted; returns at once. Connectors that do the same as before are left alone, unless they have failed and
   * their file is among `touched`: writing it again is how a person says that the reason is gone.
   */
  apply(wanted: Wanted, touched: ReadonlySet<string> = new Set()): void {
    if (this.#isClosed) return;
    this.#wanted = wanted;
    this.#forgetDeleted(touched);
    for (const [name, place] of this.#places) {
      if (!wanted.connectors.has(name)) place.want(undefined);
    }
    for (const [name, connector] of wanted.connectors) {
      if (this.#deleted.has(name)) continue;
      this.#warn(connector);
      const place = this.#placeOf(name);
      place.rest(this.#target(name) !== 'RUNNING');
      place.want(connector, touched.has(connector.file) && place.task?.status().state === 'failed');
    }
    this.#takeOver = false;
  }

  /** What has a valid file, and what had one since the start. */
  known(): readonly ConnectorFile[] {
    const { connectors } = this.#wanted;
    return [...connectors.values(), ...[...this.#removed.values()].filter(({ name }) => !connectors.has(name))];
  }

  /** The task of this name that runs, or ended by itself; undefined while an operator lets the connector rest. */
  task(name: string): RunningTask | undefined {
    return this.#target(name) === 'RUNNING' ? this.#places.get(name)?.task : undefined;
  }

  /** Does what the connector's target state says now; returns at once. */
  retarget(name: string): void {
    this.#places.get(name)?.rest(this.#target(name) !== 'RUNNING');
  }

  /** Starts the connector anew, also one that has failed; returns at once. False when nothing of that name can run, or may. */
  restart(name: string): boolean {
    const connector = this.#wanted.connectors.get(name);
    if (connector === undefined || this.#deleted.has(name) || this.#isClosed) return false;
    this.#placeOf(name).want(connector, true);
    return true;
  }

  /** Resolves when what is wanted of this name runs, or rests, or is gone. */
  async settledOne(name: string): Promise<void> {
    await this.#places.get(name)?.settled();
  }

  /** Does something while the connector of this name does not run, and then lets it go on. */
  async whileStopped<T>(name: string, work: () => Promise<T>): Promise<T> {
    const place = this.#places.get(name);
    return place ? await place.hold(work) : await work();
  }

  /** Does what deletes a connector; afterwards it stays stopped, until its file is written anew. */
  async deleting<T>(name: string, work: () => Promise<T>): Promise<T> {
    const connector = this.#wanted.connectors.get(name);
    const done = await this.whileStopped(name, async () => {
      const result = await work();
      if (connector) this.#deleted.set(name, effectiveDigest(connector));
      this.#places.get(name)?.want(undefined);
      return result;
    });
    this.#removed.delete(name);
    return done;
  }

  /** Of everything that runs, or has run and ended. */
  statuses(): readonly ConnectorStatus[] {
    return [...this.#places.values()].flatMap(({ task }) => (task ? [task.status()] : []));
  }

  /** Every connector by name, and every file that could not be used under the name that it is about. */
  views(): readonly ConnectorView[] {
    const invalid = this.#wanted.invalid.map(({ name }) => name);
    const names = new Set([...this.#places.keys(), ...this.#deleted.keys(), ...invalid]);
    return [...names].sort().map((name) => this.#view(name));
  }

  /** Resolves when everything that is wanted runs. */
  async settled(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.settled()));
  }

  /** Resolves when every connector has ended by itself. */
  async ended(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.ended()));
  }

  /** Stops everything, side by side; nothing starts any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#places.values()].map((place) => place.close()));
  }

  #view(name: string): ConnectorView {
    const invalid = this.#wanted.invalid.filter((each) => each.name === name);
    const place = this.#places.get(name);
    const connector = this.#wanted.connectors.get(name) ?? place?.connector;
    const target = this.#target(name);
    const isResting = target !== 'RUNNING' && connector !== undefined && place?.isRunning !== true;
    const problems = invalid.flatMap((each) => each.problems.map((problem) => `${each.file}: ${problem}`));
    return {
      name,
      kind: connector && (isSource(connector) ? 'source' : 'sink'),
      file: connector?.file ?? invalid[0]?.file ?? '',
      config: maskConnector(connector?.raw ?? invalid[0]?.raw ?? {}),
      status: place?.task?.status(),
      rests: isResting ? target : undefined,
      halted: connector && this.#options.obstacle?.(connector),
      problems,
      warnings: this.#deleted.has(name) ? [DELETED] : (connector?.warnings ?? []),
      isDeleted: this.#deleted.has(name),
    };
  }

  #target(name: string): TargetState {
    return this.#options.target?.(name) ?? 'RUNNING';
  }

  #placeOf(name: string): Place {
    const present = this.#places.get(name);
    if (present) return present;
    const { pool, logger, onStart, onRemoved } = this.#options;
    const events = {
      started: (connector: ConnectorFile, isRestart: boolean): void => {
        onStart(connector);
        const fact = isRestart ? 'connector restarted' : 'connector started';
        logger.info(fact, { connector: name, file: connector.file });
      },
      removed: (connector: ConnectorFile): void => {
        this.#places.delete(name);
        this.#warned.delete(name);
        if (this.#deleted.has(name)) {
          logger.info('connector deleted', { connector: name });
          return;
        }
        this.#removed.set(name, connector);
        logger.warn('connector removed, nothing was deleted on the servers', leftovers(connector));
        onRemoved(connector);
      },
    };
    const place = new Place(pool, events, this.#takeOver);
    this.#places.set(name, place);
    return place;
  }

  /** What was deleted comes back as a new connector when its file is written again. */
  #forgetDeleted(touched: ReadonlySet<string>): void {
    for (const [name, digest] of this.#deleted) {
      const connector = this.#wanted.connectors.get(name);
      const isSame = connector && effectiveDigest(connector) === digest && !touched.has(connector.file);
      if (!isSame) this.#deleted.delete(name);
    }
  }

  /** Warnings are told once, and again when they change. */
  #warn({ name, warnings }: ConnectorFile): void {
    const all = warnings.join('\n');
    if ((this.#warned.get(name) ?? '') === all) return;
    this.#warned.set(name, all);
    for (const setting of warnings) this.#options.logger.warn('setting ignored', { connector: name, setting });
  }
}
