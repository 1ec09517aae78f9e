import {
  type CompatibilityLevel,
  DEFAULT_LEVEL,
  type SubjectVersion,
  type UndeletableReason,
  UndeletableVersion,
} from './registry.ts';
import type { RegistryRecord } from './schema-record.ts';
import { isSameSchema } from './schema-text.ts';

interface Subject {
  /** Where each version was registered; a permanently deleted one is missing. */
  readonly offsetByVersion: Map<number, number>;
  /** The last version given: never given again, whatever is deleted. */
  last: number;
  level: CompatibilityLevel | undefined;
  /** The last record that changed this subject, or -1. */
  touched: number;
}

/**
 * What the records of the schemas topic amount to: the same for every reader, since it depends on nothing but the records and their order.
 * A schema's id is the offset + 1 of the first record with it that stands.
 */
export class RegistryState {
  readonly #idBySchema: Map<string, number> = new Map();
  readonly #schemaById: Map<number, string> = new Map();
  readonly #subjects: Map<string, Subject> = new Map();
  /** By the offset of its registration: the topic's order. */
  readonly #versions: Map<number, SubjectVersion> = new Map();
  readonly #voids: Set<number> = new Set();
  #level: CompatibilityLevel | undefined;
  #levelTouched = -1;
  #next = 0;

  /** The offset to read on from. */
  get next(): number {
    return this.#next;
  }

  /** Takes over the record at `offset`; records come in order, one that was taken before counts for nothing. */
  apply(offset: number, record: RegistryRecord): void {
    if (offset < this.#next) return;
    this.#next = offset + 1;
    switch (record.kind) {
      case 'register':
        return this.#register(offset, record.subject, record.schema);
      case 'register checked':
        if (record.after !== this.touched(record.subject)) return this.#void(offset);
        return this.#register(offset, record.subject, record.schema);
      case 'delete':
        return this.#delete(offset, record.subject, record.versions, record.permanent);
      case 'level':
        return this.#setLevel(offset, record.subject, record.level);
      default:
        record satisfies never;
    }
  }

  /** True when the record at `offset` no longer fitted what it was judged by, so that it changed nothing. */
  isVoid(offset: number): boolean {
    return this.#voids.has(offset);
  }

  /** The offset of the last record that could change what is compatible with `subject`; -1 when there is none. */
  touched(subject: string): number {
    return Math.max(this.#subjects.get(subject)?.touched ?? -1, this.#levelTouched);
  }

  versions(): readonly SubjectVersion[] {
    return [...this.#versions.values()];
  }

  /** Versions of a subject that are not deleted, oldest first. */
  live(subject: string): readonly SubjectVersion[] {
    return this.#of(subject).filter((version) => !version.deleted);
  }

  /** The version that the record at `offset` made. */
  versionAt(offset: number): SubjectVersion | undefined {
    return this.#versions.get(offset);
  }

  /** The version of a subject with this schema, property order aside, that is not deleted. */
  find(subject: string, schema: string): SubjectVersion | undefined {
    const live = this.live(subject);
    return live.find((version) => version.schema === schema) ?? live.find((each) => isSameSchema(each.schema, schema));
  }

  /** The id of a schema under a subject, if it is registered there and not deleted. */
  idOf(subject: string, schema: string): number | undefined {
    const id = this.#idBySchema.get(schema);
    return id !== undefined && this.#hasLive(subject, id) ? id : undefined;
  }

  /** The id of a schema that was registered under any subject, deleted or not. */
  id(schema: string): number | undefined {
    return this.#idBySchema.get(schema);
  }

  schema(id: number): string | undefined {
    return this.#schemaById.get(id);
  }

  /** A subject's own level, or without a subject the global one. */
  level(subject: string | undefined): CompatibilityLevel | undefined {
    return subject === undefined ? (this.#level ?? DEFAULT_LEVEL) : this.#subjects.get(subject)?.level;
  }

  /** The versions that such a delete removes; throws UndeletableVersion. */
  deletable(subject: string, version: number | undefined, permanent: boolean): readonly number[] {
    const refuse = (reason: UndeletableReason): never => {
      throw new UndeletableVersion(subject, version, reason);
    };
    const all = this.#of(subject);
    if (all.length === 0) return refuse('no subject');
    const meant = version === undefined ? all : all.filter((each) => each.version === version);
    if (meant.length === 0) return refuse('no version');
    if (permanent && meant.some((each) => !each.deleted)) return refuse('not deleted first');
    const fitting = meant.filter((each) => each.deleted === permanent);
    return fitting.length === 0 ? refuse('deleted before') : fitting.map((each) => each.version);
  }

  #register(offset: number, subject: string, schema: string): void {
    const id = this.#idBySchema.get(schema) ?? offset + 1;
    this.#idBySchema.set(schema, id);
    this.#schemaById.set(id, schema);
    if (this.#hasLive(subject, id)) return;
    const entry = this.#subject(subject, offset);
    entry.last++;
    entry.offsetByVersion.set(entry.last, offset);
    this.#versions.set(offset, { subject, version: entry.last, id, schema, deleted: false });
  }

  #delete(offset: number, subject: string, versions: readonly number[], permanent: boolean): void {
    const offsets = versions.map((version) => this.#subjects.get(subject)?.offsetByVersion.get(version) ?? -1);
    const fits = offsets.every((each) => this.#versions.get(each)?.deleted === permanent);
    if (!fits || offsets.length === 0) return this.#void(offset);
    const entry = this.#subject(subject, offset);
    for (const [index, each] of offsets.entries()) {
      if (permanent) {
        this.#versions.delete(each);
        entry.offsetByVersion.delete(versions[index] as number);
      } else {
        this.#versions.set(each, { ...(this.#versions.get(each) as SubjectVersion), deleted: true });
      }
    }
    if (entry.offsetByVersion.size === 0) entry.level = undefined;
  }

  #setLevel(offset: number, subject: string | undefined, level: CompatibilityLevel | undefined): void {
    if (subject !== undefined) {
      this.#subject(subject, offset).level = level;
    } else {
      this.#level = level;
      this.#levelTouched = offset;
    }
  }

  #void(offset: number): void {
    this.#voids.add(offset);
  }

  #subject(name: string, touched: number): Subject {
    const subject = this.#subjects.get(name) ?? { offsetByVersion: new Map(), last: 0, level: undefined, touched };
    this.#subjects.set(name, subject);
    subject.touched = touched;
    return subject;
  }

  #of(subject: string): readonly SubjectVersion[] {
    const offsets = [...(this.#subjects.get(subject)?.offsetByVersion.values() ?? [])];
    return offsets.map((offset) => this.#versions.get(offset) as SubjectVersion);
  }

  #hasLive(subject: string, id: number): boolean {
    return this.#of(subject).some((version) => version.id === id && !version.deleted);
  }
}
