import { OperatorError } from '../../errors.ts';
import { SchemaRefused, type SchemaStore } from '../converter.ts';

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

/** The global level as long as nobody has set one: Confluent's. */
export const DEFAULT_LEVEL: CompatibilityLevel = 'BACKWARD';

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
 * `register`, which checks compatibility only where somebody has set a level of the subject (IncompatibleSchema): else the table has changed already, and its rows
 * must go on. `byId` finds permanently deleted schemas too: rows that were written with them stay readable for our own sinks.
 */
export interface Registry extends SchemaStore {
  /** All versions of all subjects, soft-deleted ones too; permanently deleted ones are gone. In the topic's order. */
  versions(signal: AbortSignal): Promise<readonly SubjectVersion[]>;
  /**
   * Like `register`, but throws InvalidSchema, and IncompatibleSchema when the subject's level forbids it. An equal schema (whatever the
   * order of its properties) that is not deleted is returned as it is; a deleted one comes back as a new version with its old id.
   */
  registerChecked(subject: string, schema: string, signal: AbortSignal): Promise<SubjectVersion>;
  /**
   * Why `schema` is not compatible with these versions (oldest first) at the level: the latest alone, or all where the level is transitive.
   * Empty when it is. Throws InvalidSchema.
   */
  incompatibilities(schema: string, others: readonly string[], level: CompatibilityLevel): readonly string[];
  /** The level of a subject, or without one the global level (BACKWARD when never set); undefined when the subject has none of its own. */
  level(subject: string | undefined, signal: AbortSignal): Promise<CompatibilityLevel | undefined>;
  /** Sets a level, or removes the subject's own; the global one, when removed, is BACKWARD again. */
  setLevel(subject: string | undefined, level: CompatibilityLevel | undefined, signal: AbortSignal): Promise<void>;
  /**
   * Deletes one version, or all of a subject; `permanent` only what was soft-deleted before. Returns the versions deleted, throws
   * UndeletableVersion. A permanent delete that leaves nothing removes the subject's level too.
   */
  delete(
    subject: string,
    version: number | undefined,
    permanent: boolean,
    signal: AbortSignal,
  ): Promise<readonly number[]>;
}

/** A text that is no Avro schema. */
export class InvalidSchema extends OperatorError {}

/** A schema that the subject's level forbids, with one reason per difference. */
export class IncompatibleSchema extends SchemaRefused {
  readonly reasons: readonly string[];

  constructor(subject: string, level: CompatibilityLevel, reasons: readonly string[]) {
    super(`Schema is not compatible with subject "${subject}" at level ${level}: ${reasons.join('; ')}`, {
      advice: `Take the change of the table or of the modes of its values back, or allow it: set schema.evolution.on.incompatible to force, or PUT /config/${encodeURIComponent(subject)} {"compatibility": "NONE"}.`,
    });
    this.reasons = reasons;
  }
}

/** Why something cannot be deleted: it is not there, was soft-deleted before, or is to be soft-deleted first. */
export type UndeletableReason = 'no subject' | 'no version' | 'deleted before' | 'not deleted first';

/** A delete that does not fit what is there. */
export class UndeletableVersion extends OperatorError {
  readonly reason: UndeletableReason;
  /** Undefined: all of the subject were meant. */
  readonly version: number | undefined;

  constructor(subject: string, version: number | undefined, reason: UndeletableReason) {
    const what = version === undefined ? `Subject "${subject}"` : `Version ${version} of subject "${subject}"`;
    super(`${what} cannot be deleted: ${UNDELETABLE[reason]}`);
    this.reason = reason;
    this.version = version;
  }
}

const UNDELETABLE: Readonly<Record<UndeletableReason, string>> = {
  'no subject': 'the subject does not exist',
  'no version': 'the version does not exist',
  'deleted before': 'it was soft-deleted before; permanent=true deletes it for good',
  'not deleted first': 'it must be soft-deleted before it can be deleted permanently',
};
