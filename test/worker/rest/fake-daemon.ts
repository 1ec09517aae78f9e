import type { Registry } from '../../../src/converter/registry/registry.ts';
import { OperatorError } from '../../../src/errors.ts';
import { addValue } from '../../../src/observe/histogram.ts';
import type { LogFields, Logger } from '../../../src/observe/logger.ts';
import type {
  ConnectorControl,
  ConnectorView,
  DaemonView,
  OperatorAnswer,
  OperatorRequest,
} from '../../../src/worker/rest/daemon-view.ts';
import { type RestOptions, type RestServer, startRest } from '../../../src/worker/rest/server.ts';
import type { SlotView } from '../../../src/worker/slots/slot-view.ts';
import { NO_FAILURES, type SinkStatus, type SourceStatus } from '../../../src/worker/status.ts';
import type { TailAnswer, TailRequest } from '../../../src/worker/tail/tail.ts';
import { noWork, type Work } from '../../../src/worker/work.ts';
import type { RestConfig } from '../../../src/worker/worker-config.ts';

/** A daemon whose every answer the test decides. */
export class FakeDaemon implements DaemonView {
  readonly daemon = 'daemon-1';
  readonly version = '9.8.7';
  readonly clusterId = 'cluster-1';
  readonly key = 'key-of-the-daemon';
  readonly tailed: TailRequest[] = [];
  isReady = true;
  registry: Registry | undefined;
  views: ConnectorView[] = [sourceView(), sinkView()];
  readonly asked: OperatorRequest[] = [];
  /** Every call of `control`: its name and what it was given. */
  readonly changes: unknown[][] = [];
  readonly control: ConnectorControl = {
    put: async (change) => {
      this.changes.push(['put', change]);
      const view = this.views.find(({ name }) => name === change.name);
      return { view: view ?? sourceView({ name: change.name }), isNew: view === undefined };
    },
    remove: async (name) => void this.changes.push(['remove', name]),
    setTarget: async (name, target) => void this.changes.push(['setTarget', name, target]),
    restart: async (name) => void this.changes.push(['restart', name]),
  };
  operation: (request: OperatorRequest, signal: AbortSignal) => Promise<OperatorAnswer> = async () => {
    return { lines: ['done'], value: { done: true } };
  };

  async topics(connector: string): Promise<readonly string[]> {
    return connector === 'shop-source' ? ['shop.checkpoints', 'shop.public.orders'] : [];
  }

  async tail(request: TailRequest): Promise<TailAnswer> {
    this.tailed.push(request);
    return { records: [], next: { 0: 7 }, isAtEnd: true };
  }

  connectors(): readonly ConnectorView[] {
    return this.views;
  }

  operate(request: OperatorRequest, signal: AbortSignal): Promise<OperatorAnswer> {
    this.asked.push(request);
    return this.operation(request, signal);
  }
}

/** A source that streams. */
export function sourceView(more: Partial<ConnectorView> = {}, status: Partial<SourceStatus> = {}): ConnectorView {
  return {
    name: 'shop-source',
    kind: 'source',
    file: 'connectors/shop-source.json',
    config: { 'connector.class': 'PostgresWalSource', 'database.password': '********' },
    problems: [],
    isDeleted: false,
    rests: undefined,
    warnings: ['colour is not a known setting'],
    status: sourceStatus(status),
    ...more,
  };
}

export function sourceStatus(more: Partial<SourceStatus> = {}): SourceStatus {
  const stage = { name: 'waiting for changes', since: 1000, isWaiting: true };
  return {
    kind: 'source',
    name: 'shop-source',
    state: 'streaming',
    stage,
    failure: undefined,
    failures: { ...NO_FAILURES, transient: 3, operator: 1 },
    counts: { transactions: 5, multiTableTransactions: 2 },
    progress: {
      state: 'streaming',
      stage,
      changes: 11,
      records: 12,
      bytes: 1300,
      checkpoints: 4,
      position: '0000000000000099',
      committedAt: 1_700_000_000_500,
      snapshot: { tables: 4, tablesDone: 1, rows: 30, estimatedRows: 120, percent: 25 },
    },
    lagMs: 250,
    work: someWork(),
    ...more,
  };
}

/** A task that has done something. */
function someWork(): Work {
  const work = { ...noWork(), queueBytes: 4096 };
  work.tables['public.orders'] = { copied: 0, inserts: 7, updates: 0, deletes: 1, keyChanges: 0 };
  for (const changes of [1, 50, 2_000_000]) addValue(work.batchChanges, changes);
  for (const bytes of [1000, 70_000]) addValue(work.batchBytes, bytes);
  for (const seconds of [0.003, 99]) addValue(work.batchSeconds, seconds);
  return work;
}

/** What is seen of a slot that is well. */
export function slotView(more: Partial<SlotView> = {}, finding: Partial<SlotView['finding']> = {}): SlotView {
  return {
    slot: 's',
    at: 1000,
    finding: {
      level: 'ok',
      retainedBytes: 200 * 1024 ** 2,
      unconfirmedBytes: 100 * 1024 ** 2,
      limit: { bytes: 1024 ** 3, by: 'budget' },
      safeWalBytes: 2 * 1024 ** 3,
      walStatus: 'reserved',
      invalidation: undefined,
      bytesPerSecond: 1024 ** 2,
      secondsLeft: 824,
      isActive: true,
      catalogXminAge: 12,
      holder: undefined,
      ...finding,
    },
    concern: undefined,
    advice: undefined,
    lag: { bytes: 100 * 1024 ** 2, transactions: 77 },
    standsSince: undefined,
    ...more,
  };
}

/** A sink that streams. */
export function sinkView(more: Partial<ConnectorView> = {}, status: Partial<SinkStatus> = {}): ConnectorView {
  return {
    name: 'shop-sink',
    kind: 'sink',
    file: 'connectors/shop-sink.json',
    config: { name: 'shop-sink', 'connector.class': 'PostgresSink' },
    problems: [],
    isDeleted: false,
    rests: undefined,
    warnings: [],
    status: {
      kind: 'sink',
      name: 'shop-sink',
      state: 'streaming',
      stage: { name: 'waiting for a checkpoint', since: 1000, isWaiting: true },
      failure: undefined,
      failures: NO_FAILURES,
      counts: {
        changes: { copied: 1, inserts: 2, updates: 3, deletes: 4, keyChanges: 5 },
        commits: 6,
        position: '0000000000000098',
        consistent: true,
        partial: ['public.late', 'public.orders'],
      },
      lagMs: 1500,
      work: someWork(),
      ...status,
    },
    ...more,
  };
}

/** A source that needs a person. */
export function failedView(): ConnectorView {
  return sourceView(
    { name: 'failed-source' },
    {
      name: 'failed-source',
      state: 'failed',
      failure: { message: 'Slot "s" was invalidated', advice: 'Take a new snapshot.' },
    },
  );
}

/** A file that never was valid. */
export function brokenView(): ConnectorView {
  return {
    name: 'broken',
    kind: undefined,
    file: 'connectors/broken.json',
    config: {},
    status: undefined,
    problems: ['connectors/broken.json: connector.class is required'],
    isDeleted: false,
    rests: undefined,
    warnings: [],
  };
}

/** Keeps what was logged. */
export class KeptLog implements Logger {
  readonly lines: { readonly fact: string; readonly fields: LogFields | undefined }[] = [];

  debug(fact: string, fields?: LogFields): void {
    this.lines.push({ fact, fields });
  }

  info(fact: string, fields?: LogFields): void {
    this.lines.push({ fact, fields });
  }

  warn(fact: string, fields?: LogFields): void {
    this.lines.push({ fact, fields });
  }

  error(fact: string, fields?: LogFields): void {
    this.lines.push({ fact, fields });
  }
}

export const LOOPBACK: RestConfig = {
  host: '127.0.0.1',
  port: 0,
  authentication: 'none',
  credentials: undefined,
  https: undefined,
};

/** A server over the daemon on any free port. */
export function serve(
  daemon: DaemonView,
  config: Partial<RestConfig> = {},
  options: Partial<RestOptions> = {},
  logger: Logger = new KeptLog(),
): Promise<RestServer> {
  return startRest({ ...LOOPBACK, ...config }, daemon, logger, { stallTimeoutMs: 60_000, ...options });
}

export function operatorError(): OperatorError {
  return new OperatorError('Connector "shop-source" is running', { advice: 'Stop it first.' });
}
