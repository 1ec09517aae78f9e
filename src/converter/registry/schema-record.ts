import { OperatorError } from '../../errors.ts';
import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from './registry.ts';
import { compact } from './schema-text.ts';

/** One record of the schemas topic (docs/format.md, Schemas). */
export type RegistryRecord =
  /** A registration that stands whatever was there; version byte 1, all others 2. */
  | { readonly kind: 'register'; readonly subject: string; readonly schema: string }
  /** A registration that stands only if `after` is still the offset of the last record that touched the subject; -1: none had. */
  | {
      readonly kind: 'register checked';
      readonly subject: string;
      readonly schema: string;
      readonly after: number;
    }
  /** Stands only if all of these versions are there, and soft-deleted exactly when it is permanent. */
  | {
      readonly kind: 'delete';
      readonly subject: string;
      readonly versions: readonly number[];
      readonly permanent: boolean;
    }
  /** Without a subject the global level; without a level the removal of one. */
  | { readonly kind: 'level'; readonly subject: string | undefined; readonly level: CompatibilityLevel | undefined };

/** The first format: registrations alone, so that a Rowcast that knows nothing else refuses every other kind by its byte. */
const REGISTRATION = 1;
const CHANGE = 2;

/** The record's value. Schemas are JSON without superfluous white space. */
export function encodeRecord(record: RegistryRecord): Buffer {
  if (record.kind === 'register') {
    const { subject, schema } = record;
    return framed(REGISTRATION, { subject, schema, schemaType: 'AVRO' });
  }
  if (record.kind === 'register checked') return framed(CHANGE, { ...record, schemaType: 'AVRO' });
  return framed(CHANGE, record);
}

/** The record at `offset`; throws OperatorError for one of another program or a newer version. */
export function decodeRecord(offset: number, value: Buffer): RegistryRecord {
  let record: RegistryRecord | undefined;
  try {
    const body = JSON.parse(value.toString('utf8', 1)) as Readonly<Record<string, unknown>>;
    if (value[0] === REGISTRATION) record = registration(offset, body);
    else if (value[0] === CHANGE) record = change(offset, body);
  } catch (cause) {
    throw foreign(offset, cause);
  }
  if (record === undefined) throw foreign(offset);
  return record;
}

function framed(version: number, body: unknown): Buffer {
  return Buffer.concat([Buffer.of(version), Buffer.from(JSON.stringify(body))]);
}

type Body = Readonly<Record<string, unknown>>;

function registration(offset: number, { subject, schema }: Body): RegistryRecord | undefined {
  if (typeof subject !== 'string' || typeof schema !== 'string') return undefined;
  return { kind: 'register', subject, schema: compact(schema, `Schema record ${offset}`) };
}

function change(offset: number, body: Body): RegistryRecord | undefined {
  const { kind, subject, schema, schemaType, after, versions, permanent, level } = body;
  if (kind === 'level') {
    if (subject !== undefined && typeof subject !== 'string') return undefined;
    if (level !== undefined && !isLevel(level)) return undefined;
    return { kind, subject, level };
  }
  if (typeof subject !== 'string') return undefined;
  if (kind === 'register checked' && typeof schema === 'string' && schemaType === 'AVRO' && isWhole(after)) {
    return { kind, subject, schema: compact(schema, `Schema record ${offset}`), after };
  }
  if (kind === 'delete' && Array.isArray(versions) && versions.every(isWhole) && typeof permanent === 'boolean') {
    return { kind, subject, versions, permanent };
  }
  return undefined;
}

function isLevel(value: unknown): value is CompatibilityLevel {
  return (COMPATIBILITY_LEVELS as readonly unknown[]).includes(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function foreign(offset: number, cause?: unknown): OperatorError {
  return new OperatorError(`Record ${offset} of the schemas topic is not one that this version can read`, {
    cause,
    advice:
      'It was written by another program or a newer version of Rowcast; upgrade, or give this daemon a topic of its own.',
  });
}
