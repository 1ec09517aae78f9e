import { OperatorError, TransientError } from '../../errors.ts';
import type { SchemaStore } from '../converter.ts';

/** The one partition of the topic that keeps the schemas; the composition root makes it of a log. */
export interface SchemaTopic {
  /** Stores one record durably and returns its offset. An unknown outcome is a TransientError. */
  append(key: Buffer, value: Buffer, signal: AbortSignal): Promise<number>;
  /** Every record from `offset` up to the topic's present end, in order. */
  read(offset: number, signal: AbortSignal): Promise<readonly SchemaRecord[]>;
}

export interface SchemaRecord {
  readonly offset: number;
  readonly value: Buffer;
}

/** One registration: a schema under a subject. Versions of a subject are its registrations in this order. */
export interface SchemaEntry {
  readonly subject: string;
  readonly id: number;
  /** JSON without superfluous white space. */
  readonly schema: string;
}

/** A schema store that can also be listed. */
export interface LogSchemaStore extends SchemaStore {
  /** All registrations so far, in the topic's order. */
  entries(signal: AbortSignal): Promise<readonly SchemaEntry[]>;
}

const RECORD_VERSION = 1;

/**
 * The built-in schema registry's store. A schema's id is the offset + 1 of the first record with an equal schema: a daemon
 * that has appended reads back up to its own record, so two that race never give one id to two schemas (docs/format.md).
 */
export function createLogSchemaStore(topic: SchemaTopic): LogSchemaStore {
  return new TopicSchemaStore(topic);
}

class TopicSchemaStore implements LogSchemaStore {
  readonly #topic: SchemaTopic;
  readonly #idBySchema: Map<string, number> = new Map();
  readonly #schemaById: Map<number, string> = new Map();
  readonly #subjects: Map<string, Set<number>> = new Map();
  readonly #entries: SchemaEntry[] = [];
  #next = 0;

  constructor(topic: SchemaTopic) {
    this.#topic = topic;
  }

  async register(subject: string, schema: string, signal: AbortSignal): Promise<number> {
    const text = compact(schema, `Schema for subject ${subject}`);
    if (!this.#isRegistered(subject, text)) await this.#catchUp(signal);
    if (!this.#isRegistered(subject, text)) {
      const offset = await this.#topic.append(Buffer.from(subject), encodeRecord(subject, text), signal);
      await this.#catchUp(signal);
      if (this.#next <= offset) {
        throw new TransientError(`Schema for subject ${subject} was stored but could not be read back yet`);
      }
    }
    return this.#idBySchema.get(text) as number;
  }

  async byId(id: number, signal: AbortSignal): Promise<string> {
    if (!this.#schemaById.has(id)) await this.#catchUp(signal);
    const schema = this.#schemaById.get(id);
    if (schema !== undefined) return schema;
    throw new OperatorError(`Schema ${id} is not in the built-in registry`, {
      advice:
        'The record was written with another schema registry: set schema.registry.url to the one that its writer used.',
    });
  }

  async entries(signal: AbortSignal): Promise<readonly SchemaEntry[]> {
    await this.#catchUp(signal);
    return [...this.#entries];
  }

  #isRegistered(subject: string, text: string): boolean {
    const id = this.#idBySchema.get(text);
    return id !== undefined && this.#subjects.get(subject)?.has(id) === true;
  }

  /** Takes over what was appended since; calls may overlap, each record counts once. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    for (const { offset, value } of await this.#topic.read(this.#next, signal)) {
      if (offset < this.#next) continue;
      this.#add(offset, value);
      this.#next = offset + 1;
    }
  }

  #add(offset: number, value: Buffer): void {
    const { subject, schema } = decodeRecord(offset, value);
    const id = this.#idBySchema.get(schema) ?? offset + 1;
    this.#idBySchema.set(schema, id);
    this.#schemaById.set(id, schema);
    const ids = this.#subjects.get(subject) ?? new Set();
    this.#subjects.set(subject, ids);
    if (ids.has(id)) return;
    ids.add(id);
    this.#entries.push({ subject, id, schema });
  }
}

function encodeRecord(subject: string, schema: string): Buffer {
  const body = JSON.stringify({ subject, schema, schemaType: 'AVRO' });
  return Buffer.concat([Buffer.of(RECORD_VERSION), Buffer.from(body)]);
}

function decodeRecord(offset: number, value: Buffer): { subject: string; schema: string } {
  try {
    const { subject, schema } = JSON.parse(value.toString('utf8', 1)) as Readonly<Record<string, unknown>>;
    if (value[0] === RECORD_VERSION && typeof subject === 'string' && typeof schema === 'string') {
      return { subject, schema: compact(schema, `Schema record ${offset}`) };
    }
  } catch (cause) {
    throw foreign(offset, cause);
  }
  throw foreign(offset);
}

function foreign(offset: number, cause?: unknown): OperatorError {
  return new OperatorError(`Record ${offset} of the schemas topic is not one that this version can read`, {
    cause,
    advice:
      'It was written by another program or a newer version of Rowcast; upgrade, or give this daemon a topic of its own.',
  });
}

/** Equal schemas may differ in white space; the order of properties counts. */
function compact(schema: string, what: string): string {
  try {
    return JSON.stringify(JSON.parse(schema));
  } catch (cause) {
    throw new OperatorError(`${what} is not JSON`, { cause, advice: 'Register the schema as JSON text.' });
  }
}
