import type { RawConfig } from '../../connector/parse-config.ts';
import type { Registry } from '../../converter/registry/registry.ts';
import type { TargetState } from '../connectors/target-states.ts';
import type { SlotView } from '../slots/slot-view.ts';
import type { ConnectorFailure, ConnectorStatus } from '../status.ts';
import type { TailAnswer, TailRequest } from '../tail/tail.ts';

/** What the REST API sees of the daemon, and what it may ask of it. */
export interface DaemonView {
  readonly daemon: string;
  readonly version: string;
  /** What `daemon.json` lets its readers prove. */
  readonly key: string;
  /** Kafka's cluster id, or the embedded log's. */
  readonly clusterId: string;
  /** Every connector that is known, by name: running ones, and files that could not be used. */
  connectors(): readonly ConnectorView[];
  /** The built-in registry; undefined when an external one is used. */
  readonly registry: Registry | undefined;
  /** True when all files have been read once and every task was started. */
  readonly isReady: boolean;
  /** Changes connectors. */
  readonly control: ConnectorControl;
  /** The topics that a connector writes or reads, as far as they are known; empty for one that is not. */
  topics(connector: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The next records of a topic, as rows. Throws OperatorError when there is no such topic. */
  tail(request: TailRequest, signal: AbortSignal): Promise<TailAnswer>;
  /** Carries out an operator's request; the answer is for a person. Throws OperatorError. */
  operate(request: OperatorRequest, signal: AbortSignal): Promise<OperatorAnswer>;
}

/**
 * Changes what is configured, and what runs. Requests are carried out one after the other. Throws RefusedChange, and TransientError when the
 * daemon is not running yet or is stopping.
 */
export interface ConnectorControl {
  /** Stores a config when it can run; it runs from then on, unless the connector is paused or stopped. */
  put(change: ConfigChange): Promise<{ readonly view: ConnectorView; readonly isNew: boolean }>;
  /** Removes the configuration, and resolves when nothing runs of it any more. Nothing is deleted on the servers. */
  remove(name: string): Promise<void>;
  /** Lets it run, or not; also for later processes. For STOPPED it resolves when nothing runs. */
  setTarget(name: string, target: TargetState): Promise<void>;
  /** Starts it anew, unless it is paused or stopped. */
  restart(name: string): Promise<void>;
}

/** A config that somebody sends: settings as texts, `null` for one that is not to be set; masked secrets mean those that are stored. */
export interface ConfigChange {
  /** `create` only what is not there, `replace` whatever is there, `patch` single settings of what is there. */
  readonly kind: 'create' | 'replace' | 'patch';
  readonly name: string;
  readonly config: Readonly<Record<string, string | null>>;
  /** Of a new connector. RUNNING when it is not said. */
  readonly initialState?: TargetState;
}

/** A connector as its file has it, and what runs. */
export interface ConnectorView {
  readonly name: string;
  readonly kind: 'source' | 'sink' | undefined;
  readonly file: string;
  /** As written, secrets masked. Of the configuration that runs, when the file has become invalid since. */
  readonly config: RawConfig;
  /** Undefined when it does not run: its first configuration was not valid. */
  readonly status: ConnectorStatus | undefined;
  /** An operator lets it rest, and nothing of it runs. */
  readonly rests: 'PAUSED' | 'STOPPED' | undefined;
  /** What its next start will fail of, until a person has decided; also of one that rests. */
  readonly halted?: ConnectorFailure | undefined;
  /** What is wrong with the file as it is now; the last valid configuration runs on. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Of a source that reads WAL: what the watch of its slot has seen last; undefined while nothing is known. */
  readonly slot?: SlotView | undefined;
  /** Of a sink whose source is watched: how far it is behind the end of that server's WAL. */
  readonly walLag?: SlotView['lag'];
  /** An operator has deleted it, and its file is still there: it stays stopped. */
  readonly isDeleted: boolean;
}

/** What `rowcast offsets`, `rowcast delete`, `rowcast snapshot` and `rowcast sync-sequences` ask of a daemon that runs. */
export type OperatorRequest =
  | { readonly kind: 'offsets'; readonly connector: string | undefined }
  /** `fromNow`: a slot that is missing is made at the present end of WAL; what was committed before is given up. */
  | { readonly kind: 'accept'; readonly connector: string; readonly fromNow?: boolean }
  | { readonly kind: 'reset'; readonly connector: string }
  /** `data` is that of a signal of this type, JSON. */
  | {
      readonly kind: 'signal';
      readonly connector: string;
      readonly type: 'execute-snapshot' | 'stop-snapshot' | 'pause-snapshot' | 'resume-snapshot' | 'sync-sequences';
      readonly data: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'delete';
      readonly connector: string;
      readonly dropSlot: boolean;
      readonly dropPublication: boolean;
      readonly dropProgress: boolean;
    };

/** What was done or found: `lines` for a person, `value` for a program (JSON). */
export interface OperatorAnswer {
  readonly lines: readonly string[];
  readonly value: unknown;
}
