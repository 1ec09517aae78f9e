import type { CopySignal } from './copy-request.ts';

/** A table by its name. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** A signal as a channel has it, not looked at yet. */
export interface RawSignal {
  /** The asker's own name for it; undefined when there is none. */
  readonly id: string | undefined;
  readonly type: string | undefined;
  /** JSON, or a text that is to be JSON. */
  readonly data: unknown;
  /** The channel, and where in it the signal stood: no other one has the same. */
  readonly place: string;
}

/** The source that a signal is carried out on. */
export interface SignalTarget {
  /** The captured tables. */
  tables(): Promise<readonly TableName[]>;
  /** As `HeldSource.signal`. */
  signal(signal: CopySignal): Promise<void>;
  /** As `HeldSource.syncSequences`; of a row in the stream it is enough that it is noted. */
  syncSequences(): Promise<void>;
  /** How far its changes are stored, for people. */
  readonly position: string | undefined;
}

/** Carries a signal out, or tells why not; never throws for what the signal says. */
export type HearSignal = (raw: RawSignal, target: SignalTarget) => Promise<void>;

/** What a copy that was asked for is called in checkpoints: the place of its signal, which is carried out once, and the asker's name. */
export function requestId({ place, id }: Pick<RawSignal, 'place' | 'id'>): string {
  return id === undefined ? place : `${place} ${id}`;
}
