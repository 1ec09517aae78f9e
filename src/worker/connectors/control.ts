import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RawConfig } from '../../connector/parse-config.ts';
import type { Environment } from '../../connector/reference.ts';
import { describeError, OperatorError, TransientError } from '../../errors.ts';
import type { ConfigChange, ConnectorControl, ConnectorView } from '../rest/daemon-view.ts';
import { connectorText, fileNameFor } from './connector-text.ts';
import type { Followed } from './follow.ts';
import { lookAndApply } from './follow.ts';
import { judgedConfig } from './judge-config.ts';
import { keepSecrets } from './keep-secrets.ts';
import { RefusedChange } from './refused-change.ts';
import { removeFile, replaceFile, textOf } from './replace-file.ts';
import type { TargetState, TargetStates } from './target-states.ts';

export interface ControlOptions extends Followed {
  readonly targets: TargetStates;
  /** What configs may refer to. */
  readonly env: Environment;
  /** `rest.connectors`: configurations are changed by their files only. */
  readonly isReadOnly: boolean;
  /** False before the daemon runs and when it is stopping. */
  readonly isReady: () => boolean;
}

/** Changes connectors for the REST API by changing their files, one request after the other; what runs follows at once. */
export class FileControl implements ConnectorControl {
  readonly #options: ControlOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  async put(change: ConfigChange): Promise<{ readonly view: ConnectorView; readonly isNew: boolean }> {
    return await this.#inTurn(async () => {
      const { name, kind, initialState } = change;
      const view = this.#find(name);
      if (kind === 'create' && view !== undefined) throw new RefusedChange(409, `Connector ${name} already exists`);
      if (kind === 'patch' && view === undefined) throw notFound(name);
      this.#refuseIfReadOnly(view);
      const file = view?.file ?? this.#newFile(name);
      const config = this.#judged(change, file);
      const text = connectorText({ name, config }, file, view && (await textOf(file)));
      const { targets } = this.#options;
      const before = targets.of(name);
      if (view === undefined) await targets.set(name, initialState ?? 'RUNNING');
      try {
        await replaceFile(file, text);
      } catch (error) {
        await targets.set(name, before);
        throw error;
      }
      this.#options.logger.info('connector file written by REST', { connector: name, file });
      this.#look();
      return { view: this.#seen(name), isNew: view === undefined };
    });
  }

  async remove(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const view = this.#find(name);
      if (view === undefined) throw notFound(name);
      this.#refuseIfReadOnly(view);
      const { file } = view;
      const { folder, set, targets, logger } = this.#options;
      await removeFile(file);
      folder.forget(file);
      logger.info('connector file removed by REST', { connector: name, file });
      this.#look();
      await set.settledOne(name);
      await targets.set(name, 'RUNNING'); // another one of this name begins like any other
    });
  }

  async setTarget(name: string, target: TargetState): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#find(name) === undefined) throw new RefusedChange(404, `Unknown connector ${name}`);
      const { set, targets, logger } = this.#options;
      if (targets.of(name) !== target) {
        await targets.set(name, target);
        logger.info(TOLD[target], { connector: name });
      }
      set.retarget(name);
      if (target === 'STOPPED') await set.settledOne(name);
    });
  }

  async restart(name: string): Promise<void> {
    await this.#inTurn(async () => {
      const view = this.#find(name);
      if (view === undefined) throw new RefusedChange(404, `Unknown connector: ${name}`);
      const { set, targets } = this.#options;
      if (targets.of(name) !== 'RUNNING' || set.restart(name)) return;
      const why = view.isDeleted ? view.warnings : view.problems;
      throw new RefusedChange(500, `Failed to start connector: ${name}: ${why.join('; ')}`);
    });
  }

  /** Lets a connector of this name begin like any other: it was deleted. */
  async forget(name: string): Promise<void> {
    await this.#inTurn(() => this.#options.targets.set(name, 'RUNNING'));
  }

  /** What is to be stored. Masked secrets are those of the config that was shown. */
  #judged({ name, kind, config: given }: ConfigChange, file: string): RawConfig {
    const { env, set } = this.#options;
    const { connectors, invalid } = set.wanted;
    const stored = connectors.get(name)?.raw ?? invalid.find((each) => each.name === name)?.raw ?? {};
    const merged = kind === 'patch' ? { ...stored, ...given } : given;
    const present = Object.entries(merged).filter(([key, value]) => value !== null && key !== 'name');
    const config = keepSecrets(Object.fromEntries(present) as RawConfig, stored);
    const others = [...connectors.values()].filter((other) => other.name !== name);
    return judgedConfig(name, config, file, { env, others });
  }

  #newFile(name: string): string {
    const { directory } = this.#options.folder;
    return join(directory, fileNameFor(name, new Set(readdirSync(directory))));
  }

  #refuseIfReadOnly(view: ConnectorView | undefined): void {
    if (!this.#options.isReadOnly) return;
    const { directory } = this.#options.folder;
    const how = view === undefined ? `put a file into ${directory}` : `change or remove ${view.file}`;
    throw new RefusedChange(403, `Connectors are changed by their files here (rest.connectors=read-only): ${how}`);
  }

  /** The connector of this name by the files as they are now. */
  #find(name: string): ConnectorView | undefined {
    this.#look();
    return this.#options.set.views().find((each) => each.name === name);
  }

  #seen(name: string): ConnectorView {
    const view = this.#options.set.views().find((each) => each.name === name);
    if (view === undefined) throw new RefusedChange(500, `The file of connector ${name} was removed meanwhile`);
    return view;
  }

  #look(): void {
    try {
      lookAndApply(this.#options);
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      throw new RefusedChange(500, describeError(error), { cause: error });
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(async () => {
      if (this.#options.isReady()) return await work();
      throw new TransientError('The daemon is not running yet, or is stopping', { advice: 'Ask again.' });
    });
    this.#last = mine.catch(() => undefined); // told to who asked
    return await mine;
  }
}

const TOLD = { RUNNING: 'connector resumed', PAUSED: 'connector paused', STOPPED: 'connector told to stop' } as const;

function notFound(name: string): RefusedChange {
  return new RefusedChange(404, `Connector ${name} not found`);
}
