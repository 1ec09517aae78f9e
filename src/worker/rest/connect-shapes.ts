import { secondsLeft } from '../copy-left.ts';
import type { CopyProgress } from '../../change/copy-state.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import type { ConnectorState, ConnectorStatus } from '../status.ts';
import { slotDetails } from '../slots/slot-details.ts';
import type { ConnectorView } from './daemon-view.ts';

/** Connect's words for what a connector or a task is doing. */
export type ConnectState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'RESTARTING' | 'FAILED' | 'STOPPED';

/** `ConnectorInfo` of Connect's REST API. */
export interface ConnectorInfo {
  readonly name: string;
  readonly config: RawConfig;
  readonly tasks: readonly TaskId[];
  readonly type: 'source' | 'sink' | 'unknown';
  /** Ours: what is wrong with the file. */
  readonly rowcast: {
    readonly file: string;
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
  };
}

export interface TaskId {
  readonly connector: string;
  readonly task: number;
}

/** `ConnectorStateInfo` of Connect's REST API, with the versions of 4.1 (KIP-891). */
export interface ConnectorStateInfo {
  readonly name: string;
  readonly connector: StateInfo;
  readonly tasks: readonly ({ readonly id: number } & StateInfo)[];
  readonly type: ConnectorInfo['type'];
  /** Ours: what Connect has no words for. */
  readonly rowcast: object;
}

export interface StateInfo {
  readonly state: ConnectState;
  readonly worker_id: string;
  readonly version: string;
  /** Why it does not run; left out when it does. */
  readonly trace?: string;
}

/** The connector as it is configured. Secrets in `config` are masked already. */
export function connectorInfo(view: ConnectorView): ConnectorInfo {
  const { name, file, problems, warnings } = view;
  return {
    name,
    config: { ...view.config, name },
    tasks: taskIds(view),
    type: typeOf(view),
    rowcast: { file, problems, warnings },
  };
}

/** What the connector is doing. A connector here is one task, which has its state; a stopped one has no task, as in Connect. */
export function connectorStateInfo(view: ConnectorView, workerId: string, version: string): ConnectorStateInfo {
  const trace = traceOf(view);
  const state: StateInfo = {
    state: stateOf(view),
    worker_id: workerId,
    version,
    ...(trace !== undefined && { trace }),
  };
  return {
    name: view.name,
    connector: state,
    tasks: taskIds(view).map(({ task }) => ({ id: task, ...state })),
    type: typeOf(view),
    rowcast: details(view),
  };
}

/** The tasks that the connector has: one while it is started or paused, else none. */
export function taskIds({ name, status, rests }: ConnectorView): readonly TaskId[] {
  if (rests !== undefined) return rests === 'PAUSED' ? [{ connector: name, task: 0 }] : [];
  return status === undefined || status.state === 'stopped' ? [] : [{ connector: name, task: 0 }];
}

/** A task's config is the connector's: there is one task. */
export function taskConfig({ config }: ConnectorView): RawConfig {
  return { ...config, 'task.class': config['connector.class'] ?? '' };
}

/** A file that never was valid has FAILED; one that is about to be started is UNASSIGNED, which tools take for "soon". */
export function stateOf({ status, problems, isDeleted, rests }: ConnectorView): ConnectState {
  if (isDeleted) return 'STOPPED';
  if (rests !== undefined) return rests;
  if (status !== undefined) return connectState(status.state);
  return problems.length > 0 ? 'FAILED' : 'UNASSIGNED';
}

/**
 * RESTARTING for what passes by itself: tools show it as not running, and those that restart what is FAILED leave it alone, as Rowcast does that
 * by itself. The trace says in both cases why.
 */
function connectState(state: ConnectorState): ConnectState {
  switch (state) {
    case 'starting':
    case 'snapshot':
    case 'streaming':
      return 'RUNNING';
    case 'retrying':
      return 'RESTARTING';
    case 'failed':
      return 'FAILED';
    case 'stopped':
      return 'STOPPED';
    default:
      return state satisfies never;
  }
}

function typeOf({ kind }: ConnectorView): ConnectorInfo['type'] {
  return kind ?? 'unknown';
}

/** Connect has a stack trace here; ours is for a person: what happened, and what to do. */
function traceOf({ status, problems, rests }: ConnectorView): string | undefined {
  if (rests !== undefined) return undefined;
  if (status === undefined) return problems.length > 0 ? problems.join('\n') : undefined;
  if (status.failure === undefined) return undefined;
  const { message, advice } = status.failure;
  return advice === undefined ? message : `${message}\n${advice}`;
}

function details({ file, problems, warnings, status, rests, halted, slot }: ConnectorView): object {
  const about = { file, problems, warnings, ...(slot && { slot: slotDetails(slot) }) };
  if (rests !== undefined) {
    const failure = halted && { message: halted.message, advice: halted.advice };
    return { ...about, state: rests.toLowerCase(), ...(failure && { failure }) };
  }
  if (status === undefined) return about;
  const { state, stage, failure, failures } = status;
  return {
    ...about,
    state,
    stage: { name: stage.name, since: stage.since, is_waiting: stage.isWaiting },
    ...(failure && { failure }),
    failures,
    ...counters(status),
  };
}

/** The copy that runs, or the last one of this process. */
function snapshotOf(
  { table, tables, tablesDone, rows, estimatedRows, percent }: CopyProgress,
  left: number | undefined,
): object {
  const about = {
    tables,
    tables_done: tablesDone,
    rows,
    estimated_rows: estimatedRows,
    percent,
    seconds_left: left ?? null,
  };
  return { ...about, ...(table !== undefined && { table }) };
}

/** Counters count since the process started; `null` is what there is not yet, so that a client finds every member. */
function counters(status: ConnectorStatus): object {
  if (status.kind === 'source') {
    const { changes, records, bytes, checkpoints, position, committedAt, snapshot } = status.progress;
    const { transactions, multiTableTransactions } = status.counts;
    return {
      position: position ?? null,
      committed_at: committedAt > 0 ? committedAt : null,
      snapshot: snapshot === undefined ? null : snapshotOf(snapshot, secondsLeft(status.progress, Date.now())),
      counters: {
        changes,
        records,
        bytes,
        checkpoints,
        transactions,
        multi_table_transactions: multiTableTransactions,
      },
    };
  }
  const { changes, commits, position, consistent, partial } = status.counts;
  const { copied, inserts, updates, deletes, keyChanges } = changes;
  return {
    position: position ?? null,
    consistent,
    partial,
    lag_ms: status.lagMs ?? null,
    counters: { commits, copied, inserts, updates, deletes, key_changes: keyChanges },
  };
}
