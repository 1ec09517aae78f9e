import type { SchemaStore } from '../converter.ts';

/** Confluent's levels; `*_TRANSITIVE` compares with all versions, the others with the latest. */
export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number];

/** A schema under a subject. Versions count from 1 and are never given twice. */
export interface SubjectVersion {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  /** JSON without superfluous white space. */
  readonly schema: string;
  /** Soft-deleted: hidden, but its id still resolves. */
  readonly deleted: boolean;
}

/**
 * The built-in schema registry: what Confluent's REST API says, over the schemas topic of the log. Every change is one record, every daemon
 * reads the same records in the same order, so two daemons never give an id or a version twice. Sources register through
 * `register` without a compatibility check: the table has changed already, and its rows must go on.
 */
export interface Registry extends SchemaStore {
  /** All versions of all subjects, soft-deleted ones too; permanently deleted ones are gone. In the topic's order. */
  versions(signal: AbortSignal): Promise<readonly SubjectVersion[]>;
  /** Like `register`, but refused with an IncompatibleSchema when the subject's level forbids it. Also restores a soft-deleted one. */
  registerChecked(subject: string, schema: string, signal: AbortSignal): Promise<SubjectVersion>;
  /** Why `schema` is not compatible with these versions at the level; empty when it is. */
  incompatibilities(schema: string, others: readonly string[], level: CompatibilityLevel): readonly string[];
  /** The level of a subject, or without one the global level (BACKWARD when never set); undefined when the subject has none of its own. */
  level(subject: string | undefined, signal: AbortSignal): Promise<CompatibilityLevel | undefined>;
  /** Sets a level, or removes the subject's own. */
  setLevel(subject: string | undefined, level: CompatibilityLevel | undefined, signal: AbortSignal): Promise<void>;
  /** Deletes one version, or all of a subject; `permanent` only what was soft-deleted before. Returns the versions deleted. */
  delete(
    subject: string,
    version: number | undefined,
    permanent: boolean,
    signal: AbortSignal,
  ): Promise<readonly number[]>;
}
