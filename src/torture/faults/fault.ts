import type { Random } from '../random.ts';
import type { CaptureName, LogName } from '../names.ts';
import type { Run } from '../service.ts';
import type { Stage } from '../stage.ts';

/** What can be done to a run besides killing the service. */
export const FAULT_KINDS = [
  'zombie',
  'lost-response',
  'restart-source',
  'restart-replica',
  'restart-broker',
  'stop-broker',
  'walsender',
  'cut',
  'half-open',
  'stall',
  'disk-full',
  'clock',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What decides which faults can be caused. */
export interface RunShape {
  readonly log: LogName;
  readonly source: CaptureName;
  /** How many brokers Kafka has; 0: the log is another one. */
  readonly brokers: number;
}

/** What a fault has to work with. */
export interface Field {
  readonly stage: Stage;
  readonly random: Random;
  /** The service, which is running. */
  readonly run: Run;
  /** Waits, while nothing else goes wrong; fails after `patienceMs` of this with what did not come about. */
  readonly until: (isOver: () => boolean, what: string, patienceMs?: number) => Promise<void>;
}

/** A kind of fault. */
export interface Fault {
  readonly kind: FaultKind;
  /** What it strikes, one after the other; nothing where it cannot be caused. */
  targets(shape: RunShape): readonly string[];
  /** How long it may take until everything goes on, when that is longer than usual. */
  readonly patienceMs?: number;
  /** Strikes, and ends when the cause is gone. False when it has met nothing. */
  strike(field: Field, target: string): Promise<boolean>;
}
