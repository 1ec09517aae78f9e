import { randomBytes } from 'node:crypto';
import { readEachFile, secretsOf } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import type { SchemaStore } from '../converter/converter.ts';
import { createHttpSchemaStore } from '../converter/registry/http-store.ts';
import { createLogSchemaStore } from '../converter/registry/log-store.ts';
import type { Registry } from '../converter/registry/registry.ts';
import { OperatorError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observe/logger.ts';
import type { LogLevels } from '../observe/log-levels.ts';
import type { Redactor } from '../observe/redaction.ts';
import { VERSION } from '../version.ts';
import { ConnectorSet } from './connectors/connector-set.ts';
import { FileControl } from './connectors/control.ts';
import { firstLook } from './connectors/first-look.ts';
import { Folder } from './connectors/folder.ts';
import { followFolder } from './connectors/follow.ts';
import { KnownSlots } from './connectors/known-slots.ts';
import { OrphanedSlots } from './connectors/orphaned-slots.ts';
import { ProblemLog } from './connectors/problem-log.ts';
import { TargetStates } from './connectors/target-states.ts';
import type { Wanted } from './connectors/wanted.ts';
import { writeDaemonFile } from './daemon-file.ts';
import { openDaemonKafka } from './open-daemon-kafka.ts';
import { openStateLog, type StateLog } from './open-log.ts';
import { Opened } from './opened.ts';
import type { OperateContext } from './operate/context.ts';
import { askSource } from './operate/ask-source.ts';
import { knownTopics } from './operate/known-topics.ts';
import { operate } from './operate/operate.ts';
import { tail, type TailAnswer, type TailRequest } from './tail/tail.ts';
import type { DaemonView, OperatorAnswer, OperatorRequest } from './rest/daemon-view.ts';
import { ownCertificate } from './rest/listener.ts';
import { startRest } from './rest/server.ts';
import { schemaTopic } from './schema-topic.ts';
import { dropOverBudget } from './slots/drop-over-budget.ts';
import { DroppedSlots } from './slots/dropped-slots.ts';
import { haltedPool } from './slots/halted-pool.ts';
import { SlotWatch } from './slots/slot-watch.ts';
import { openStateDirectory, type StateDirectory } from './state-directory.ts';
import { logStates } from './state-log.ts';
import type { ConnectorStatus } from './status.ts';
import { systemClock } from './system-clock.ts';
import { openTaskPool } from './threads/pool.ts';
import type { WorkerConfig } from './worker-config.ts';

export interface DaemonOptions {
  readonly config: WorkerConfig;
  /** What connector files may refer to. */
  readonly env: Environment;
  readonly logger: Logger;
  /** What that logger writes; changed through REST. Absent: it cannot be changed. */
  readonly levels?: LogLevels;
  /** Learns the secrets of every configuration before anything runs with it. */
  readonly redactor: Redactor;
  /** Take the connectors over from another daemon, once. */
  readonly takeOver: boolean;
}

/** The running whole. Disposing of it, after `run` has ended, closes what it opened. */
export interface Daemon extends AsyncDisposable {
  /** Where REST, registry, health and metrics are; undefined when nothing is served. */
  readonly url: string | undefined;
  /**
   * Runs the connectors, and follows their files when they are watched, until `signal` aborts; then everything drains. Without watching
   * it also ends when every connector has ended by itself. Failures of connectors are in their statuses.
   */
  run(signal: AbortSignal): Promise<void>;
  statuses(): readonly ConnectorStatus[];
}

/**
 * Opens everything that a daemon has, in the order in which it is needed; nothing runs yet. OperatorError when its files, its state, its
 * log or its address cannot be used. `signal` ends the wait for a lock or for Kafka.
 */
export async function openDaemon(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
  const opened = new Opened();
  try {
    return await open(options, opened, signal);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function open(options: DaemonOptions, opened: Opened, signal: AbortSignal): Promise<Daemon> {
  const { config, logger, takeOver } = options;
  const problems = new ProblemLog(logger);
  const folder = folderOf(options);
  const first = firstLook(folder, config.connectorsWatch, problems, logger);
  const state = opened.add(await openStateDirectory(config.stateDir, signal));
  const kafka = config.kafka && opened.add(await openDaemonKafka(config.kafka, logger, signal));
  const stateLog = kafka ? undefined : opened.add(await openStateLog(state.path, signal));
  // A daemon that ends with its last connector leaves trying again to whoever starts it.
  const resumeMs = config.connectorsWatch ? config.resumeMs : 0;
  const threads = opened.add(await openTaskPool({ config, daemon: state.daemon, log: stateLog, logger, resumeMs }));
  const dropped = DroppedSlots.read(state.path);
  const obstacle = dropped.of.bind(dropped);
  const pool = haltedPool(threads, obstacle, () => systemClock.now());
  const known = await KnownSlots.read(state.path, logger);
  const targets = await TargetStates.read(state.path);
  const slots = opened.add(new OrphanedSlots(known, () => set.wanted.connectors.values(), logger));
  const set: ConnectorSet = new ConnectorSet({
    pool,
    logger,
    takeOver,
    onStart: () => slots.lookSoon(),
    onRemoved: (connector) => slots.lookSoon(connector),
    target: (name) => targets.of(name),
    obstacle,
  });
  const watch = new SlotWatch({
    clock: systemClock,
    logger,
    wanted: () => set.wanted.connectors.values(),
    statuses: () => set.statuses(),
    drop: (connector, seen, abort) => dropOverBudget(connector, seen, { set, dropped, logger }, abort),
  });
  const running = new RunningDaemon(options, {
    opened,
    folder,
    problems,
    first,
    set,
    slots,
    watch,
    targets,
    dropped,
    state,
    stateLog,
    log: (kafka ?? stateLog) as Log,
  });
  await running.listen();
  return running;
}

/** Reads all files anew at each look, so that changed secrets are seen too; the redactor knows them before anything runs with them. */
function folderOf({ config: { connectorsDir }, env, redactor }: DaemonOptions): Folder {
  return new Folder(connectorsDir, () => {
    const files = readEachFile(connectorsDir, env);
    for (const read of files) if ('connector' in read) redactor.add(secretsOf(read.connector));
    return files;
  });
}

interface Parts {
  readonly opened: Opened;
  readonly folder: Folder;
  readonly problems: ProblemLog;
  /** What is to run at first. */
  readonly first: Wanted;
  readonly set: ConnectorSet;
  readonly slots: OrphanedSlots;
  readonly watch: SlotWatch;
  readonly targets: TargetStates;
  readonly dropped: DroppedSlots;
  readonly state: StateDirectory;
  readonly log: Log;
  /** The log, when it is the embedded one. */
  readonly stateLog: StateLog | undefined;
}

class RunningDaemon implements Daemon, DaemonView {
  readonly daemon: string;
  readonly version: string = VERSION;
  readonly key: string = randomBytes(24).toString('base64url');
  readonly clusterId: string;
  readonly registry: Registry | undefined;
  readonly control: FileControl;
  isReady = false;
  url: string | undefined;
  readonly #options: DaemonOptions;
  readonly #parts: Parts;
  /** What records are read with for people. */
  readonly #schemas: SchemaStore;

  constructor(options: DaemonOptions, parts: Parts) {
    const { log, state, folder, set, problems, targets } = parts;
    const { env, logger, config } = options;
    this.control = new FileControl({
      folder,
      set,
      problems,
      targets,
      logger,
      env,
      isReadOnly: config.restConnectors === 'read-only',
      isReady: () => this.isReady,
    });
    this.daemon = state.daemon;
    this.clusterId = log.clusterId;
    const external = config.registry;
    const own = createLogSchemaStore(schemaTopic(log, () => systemClock.now()));
    this.registry = external ? undefined : own;
    this.#schemas = external ? createHttpSchemaStore(external) : own;
    this.#options = options;
    this.#parts = parts;
  }

  /** Serves REST, and says in the state directory where. */
  async listen(): Promise<void> {
    const { config, logger, levels, redactor } = this.#options;
    const { opened, state } = this.#parts;
    if (config.rest) {
      const { stallTimeoutMs } = config;
      const rest = opened.add(await startRest(config.rest, this, logger, { stallTimeoutMs, levels, redactor }));
      this.url = rest.url;
    }
    const certificate = config.rest?.https && ownCertificate(config.rest.https);
    const { url, key, version } = this;
    opened.add(
      await writeDaemonFile(state.path, { pid: process.pid, url, ...(certificate && { certificate }), version, key }),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const { set, slots, watch, first } = this.#parts;
    if (signal.aborted) return;
    const ended = new AbortController();
    let watching: Promise<void> | undefined;
    const states = logStates(() => set.statuses(), systemClock, logger, ended.signal);
    try {
      logger.info('daemon started', { daemon: this.daemon, version: VERSION, url: this.url });
      set.apply(first);
      watching = watch.run(ended.signal);
      slots.lookSoon(); // also when nothing starts: what was used before may have been left behind
      this.isReady = true;
      await this.#runOn(signal);
    } finally {
      this.isReady = false;
      await set.close();
      ended.abort();
      await Promise.all([states, watching]);
    }
    logger.info('daemon stopped', { daemon: this.daemon });
  }

  statuses(): readonly ConnectorStatus[] {
    return this.#parts.set.statuses();
  }

  connectors(): ReturnType<DaemonView['connectors']> {
    return this.#parts.watch.shownIn(this.#parts.set.views());
  }

  async topics(connector: string, signal: AbortSignal): Promise<readonly string[]> {
    const { set, log } = this.#parts;
    const found = set.known().find(({ name }) => name === connector);
    if (found === undefined) return [];
    const versions = (await this.registry?.versions(signal)) ?? [];
    return await knownTopics(log, found, [...new Set(versions.map(({ subject }) => subject))], signal);
  }

  async tail(request: TailRequest, signal: AbortSignal): Promise<TailAnswer> {
    return await tail(this.#parts.log, this.#schemas, request, signal);
  }

  async operate(request: OperatorRequest, signal: AbortSignal): Promise<OperatorAnswer> {
    if (!this.isReady)
      throw new OperatorError('The daemon is not running yet, or is stopping', { advice: 'Ask again.' });
    const { set, slots, dropped, log, stateLog } = this.#parts;
    const forget: OperateContext['forget'] = stateLog && ((reader, abort) => stateLog.forget(reader, abort));
    const carryOut = async (): Promise<OperatorAnswer> => {
      const readers = stateLog?.readers ?? [];
      const context = { log, forget, readers, connectors: set.known(), clock: systemClock };
      const answer = await operate(context, request, signal);
      await dropped.decided(request, answer);
      return answer;
    };
    if (request.kind === 'offsets') return await carryOut();
    if (request.kind === 'signal') return await askSource(set, request, signal);
    if (request.kind === 'delete') {
      const answer = await set.deleting(request.connector, carryOut);
      await this.control.forget(request.connector);
      if (request.dropSlot) await slots.dropped(request.connector);
      return answer;
    }
    return await set.whileStopped(request.connector, carryOut);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.opened[Symbol.asyncDispose]();
  }

  async #runOn(signal: AbortSignal): Promise<void> {
    const { folder, set, problems } = this.#parts;
    const { config, logger } = this.#options;
    if (config.connectorsWatch) return await followFolder({ folder, set, problems, logger }, signal);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([set.ended(), aborted]);
  }
}
