import type { RawConfig } from '../../connector/parse-config.ts';
import type { Registry } from '../../converter/registry/registry.ts';
import type { SlotView } from '../slots/slot-view.ts';
import type { ConnectorStatus } from '../status.ts';

/** What the REST API sees of the daemon, and what it may ask of it. */
export interface DaemonView {
  readonly daemon: string;
  readonly version: string;
  /** Kafka's cluster id, or the embedded log's. */
  readonly clusterId: string;
  /** Every connector that is known, by name: running ones, and files that could not be used. */
  connectors(): readonly ConnectorView[];
  /** The built-in registry; undefined when an external one is used. */
  readonly registry: Registry | undefined;
  /** True when all files have been read once and every task was started. */
  readonly isReady: boolean;
  /** The topics that a connector writes or reads, as far as they are known; empty for one that is not. */
  topics(connector: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Carries out an operator's request; the answer is for a person. Throws OperatorError. */
  operate(request: OperatorRequest, signal: AbortSignal): Promise<OperatorAnswer>;
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
