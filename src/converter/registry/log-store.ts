import { OperatorError, TransientError } from '../../errors.ts';
import type { OnIncompatible, SubjectSchema } from '../converter.ts';
import { incompatibilities } from './compatibility.ts';
import {
  type CompatibilityLevel,
  DEFAULT_LEVEL,
  IncompatibleSchema,
  type Registry,
  type SubjectVersion,
} from './registry.ts';
import { RegistryState } from './registry-state.ts';
import { decodeRecord, encodeRecord, type RegistryRecord } from './schema-record.ts';
import { compact, parseSchema } from './schema-text.ts';

/** The one partition of the topic that keeps the schemas; the composition root makes it of a log. */
export interface SchemaTopic {
  /** Stores records durably, in their order, and returns the offset of the first one. An unknown outcome is a TransientError. */
  append(records: readonly NewSchemaRecord[], signal: AbortSignal): Promise<number>;
  /** Every record from `offset` up to the topic's present end, in order. */
  read(offset: number, signal: AbortSignal): Promise<readonly SchemaRecord[]>;
}

export interface NewSchemaRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface SchemaRecord {
  readonly offset: number;
  readonly value: Buffer;
}

/** How often a change that others forestalled is judged again before the caller is told to come back. */
const MAX_ATTEMPTS = 20;

/**
 * The built-in schema registry over a topic. A change is judged by what was read, appended, and read back: its place in the topic
 * decides what it means, for this daemon and for all others alike (docs/format.md).
 */
export function createLogSchemaStore(topic: SchemaTopic, onIncompatible: OnIncompatible = 'fail'): Registry {
  return new TopicRegistry(topic, onIncompatible);
}

class TopicRegistry implements Registry {
  readonly #topic: SchemaTopic;
  readonly #onIncompatible: OnIncompatible;
  readonly #state: RegistryState = new RegistryState();
  #last: Promise<unknown> = Promise.resolve();

  constructor(topic: SchemaTopic, onIncompatible: OnIncompatible) {
    this.#topic = topic;
    this.#onIncompatible = onIncompatible;
  }

  async register(subject: string, schema: string, signal: AbortSignal): Promise<number> {
    const text = compact(schema, `Schema for subject ${subject}`);
    const known = this.#state.idOf(subject, text);
    if (known !== undefined) return known;
    const isChecked = async (): Promise<boolean> => {
      await this.#catchUp(signal);
      return this.#isChecked(subject);
    };
    if (this.#onIncompatible === 'fail' && (await this.#inTurn(signal, isChecked)))
      return (await this.registerChecked(subject, text, signal)).id;
    return await this.#inTurn(signal, async () => {
      await this.#catchUp(signal);
      if (this.#state.idOf(subject, text) === undefined) {
        await this.#append({ kind: 'register', subject, schema: text }, signal);
      }
      return this.#state.id(text) as number;
    });
  }

  async registerAhead(schemas: readonly SubjectSchema[], signal: AbortSignal): Promise<void> {
    const wanted = schemas.map(({ subject, schema }) => ({
      kind: 'register' as const,
      subject,
      schema: compact(schema, `Schema for subject ${subject}`),
    }));
    const isUnknown = ({ subject, schema }: (typeof wanted)[number]): boolean =>
      this.#state.idOf(subject, schema) === undefined;
    if (!wanted.some(isUnknown)) return;
    await this.#inTurn(signal, async () => {
      await this.#catchUp(signal);
      const records = wanted.filter((each) => isUnknown(each) && !this.#isChecked(each.subject)).map(recordOf);
      if (records.length === 0) return;
      await this.#topic.append(records, signal);
      await this.#catchUp(signal);
    });
  }

  async registerChecked(subject: string, schema: string, signal: AbortSignal): Promise<SubjectVersion> {
    parseSchema(schema);
    const text = compact(schema, `Schema for subject ${subject}`);
    return await this.#judged(subject, signal, async () => {
      const known = this.#state.find(subject, text);
      if (known !== undefined) return known;
      const level = this.#state.level(subject) ?? this.#state.level(undefined) ?? DEFAULT_LEVEL;
      const others = this.#state.live(subject).map((version) => version.schema);
      const reasons = incompatibilities(text, others, level);
      if (reasons.length > 0) throw new IncompatibleSchema(subject, level, reasons);
      const after = this.#state.touched(subject);
      const offset = await this.#append({ kind: 'register checked', subject, schema: text, after }, signal);
      return this.#state.versionAt(offset);
    });
  }

  async byId(id: number, signal: AbortSignal): Promise<string> {
    if (this.#state.schema(id) === undefined) await this.#inTurn(signal, () => this.#catchUp(signal));
    const schema = this.#state.schema(id);
    if (schema !== undefined) return schema;
    throw new OperatorError(`Schema ${id} is not in the built-in registry`, {
      advice:
        'The record was written with another schema registry: set schema.registry.url to the one that its writer used.',
    });
  }

  async versions(signal: AbortSignal): Promise<readonly SubjectVersion[]> {
    await this.#inTurn(signal, () => this.#catchUp(signal));
    return this.#state.versions();
  }

  incompatibilities(schema: string, others: readonly string[], level: CompatibilityLevel): readonly string[] {
    return incompatibilities(schema, others, level);
  }

  async level(subject: string | undefined, signal: AbortSignal): Promise<CompatibilityLevel | undefined> {
    await this.#inTurn(signal, () => this.#catchUp(signal));
    return this.#state.level(subject);
  }

  async setLevel(
    subject: string | undefined,
    level: CompatibilityLevel | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#inTurn(signal, () => this.#append({ kind: 'level', subject, level }, signal));
  }

  async delete(
    subject: string,
    version: number | undefined,
    permanent: boolean,
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    return await this.#judged(subject, signal, async () => {
      const versions = this.#state.deletable(subject, version, permanent);
      const offset = await this.#append({ kind: 'delete', subject, versions, permanent }, signal);
      return this.#state.isVoid(offset) ? undefined : versions;
    });
  }

  /** Somebody has set a level for this subject that forbids something. */
  #isChecked(subject: string): boolean {
    return this.#onIncompatible === 'fail' && (this.#state.level(subject) ?? 'NONE') !== 'NONE';
  }

  /** Judges, on the newest state, until the record lands on the state that it was judged by. */
  async #judged<T>(subject: string, signal: AbortSignal, attempt: () => Promise<T | undefined>): Promise<T> {
    return await this.#inTurn(signal, async () => {
      for (let left = MAX_ATTEMPTS; left > 0; left--) {
        await this.#catchUp(signal);
        const result = await attempt();
        if (result !== undefined) return result;
      }
      throw new TransientError(`Subject ${subject} is being changed by others all the time`);
    });
  }

  /** Stores a record and reads up to it; its effect is in the state then. */
  async #append(record: RegistryRecord, signal: AbortSignal): Promise<number> {
    const offset = await this.#topic.append([recordOf(record)], signal);
    await this.#catchUp(signal);
    if (this.#state.next > offset) return offset;
    const what = record.subject === undefined ? 'The global level' : `A record of subject ${record.subject}`;
    throw new TransientError(`${what} was stored but could not be read back yet`);
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    for (const { offset, value } of await this.#topic.read(this.#state.next, signal)) {
      this.#state.apply(offset, decodeRecord(offset, value));
    }
  }

  /** One use of the topic after the other: a log takes one append at a time, and judging twice the same state is waste. */
  async #inTurn<T>(signal: AbortSignal, use: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted();
      return use();
    });
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}

function recordOf(record: RegistryRecord): NewSchemaRecord {
  return { key: Buffer.from(record.subject ?? ''), value: encodeRecord(record) };
}
