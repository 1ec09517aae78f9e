import { encodeJson } from '../../../src/log/protocol/records.ts';
import type { TestRecord } from '../../log/records.ts';

/** What a case may need to know of the running pipeline. */
export interface Facts {
  /** Ids of schemas: of a key, of another table's values, of an envelope with an array and a map, of a value that is no envelope. */
  readonly ids: { readonly key: number; readonly other: number; readonly blocks: number; readonly flat: number };
  /** A value of the other table, as it was stored. */
  readonly otherValue: Buffer;
  /** The last checkpoint that counts. */
  readonly checkpoint: Readonly<Record<string, unknown>>;
  /** The claim that counts. */
  readonly claim: Readonly<Record<string, unknown>>;
}

/** Where a record is put into a running pipeline. The first three stand between good records; the others take the place of one. */
export type Place = 'table topic' | 'checkpoints' | 'schema-changes' | 'row' | 'truncate' | 'checkpoint';

/** A record that a stranger or a fault puts into a topic, and the answer. */
export interface BadPayload {
  readonly state: string;
  readonly at: Place;
  /** Makes it of the good record: of the one that it replaces, or of the last one of that topic. */
  readonly record: (good: TestRecord, facts: Facts) => TestRecord;
  /** How the sink stops. Absent: nothing of it is applied, or the row is what it would be, and the sink goes on. */
  readonly says?: RegExp;
}

export const MARKER: Buffer = Buffer.from('marker');
const FRAME = 5;

/** The record with another value. */
export function valued(change: (value: Buffer, facts: Facts) => Buffer | string | null): BadPayload['record'] {
  return (good, facts) => {
    const value = change(Buffer.from(good.value ?? ''), facts);
    return { ...good, value: typeof value === 'string' ? Buffer.from(value) : value };
  };
}

/** The record with another value and without any header. */
export function foreign(value: Buffer | string | null, key: Buffer | null = null): BadPayload['record'] {
  return () => ({ key, value: typeof value === 'string' ? Buffer.from(value) : value, headers: [] });
}

/** The record with its header of Rowcast changed; undefined: without it. */
export function headed(change: (header: Buffer) => Buffer | undefined): BadPayload['record'] {
  return (good) => {
    const headers = good.headers.flatMap(([name, value]) => {
      const made = name === 'rowcast' ? change(Buffer.from(value)) : value;
      return made === undefined ? [] : [[name, made] as const];
    });
    return { ...good, headers };
  };
}

/** The record with one more header. */
export function withHeader(name: string, value: Buffer): BadPayload['record'] {
  return (good) => ({ ...good, headers: [...good.headers, [name, value]] });
}

/** The value cut off, or with bytes in place of others, at a place told from the marker in its text column. */
export function spliced(from: number, remove: number, ...bytes: number[]): BadPayload['record'] {
  return valued((value) => {
    const at = value.indexOf(MARKER) + from;
    return Buffer.concat([value.subarray(0, at), Buffer.from(bytes), value.subarray(at + remove)]);
  });
}

/** The value up to a place told from the marker. */
export function cut(from: number): BadPayload['record'] {
  return valued((value) => value.subarray(0, value.indexOf(MARKER) + from));
}

/** The value with the frame of another schema's id. */
export function framed(id: number, body: Buffer | readonly number[]): Buffer {
  const frame = Buffer.alloc(FRAME);
  frame.writeUInt32BE(id, 1);
  return Buffer.concat([frame, Buffer.from(body)]);
}

/** What follows the frame. */
export function bodyOf(value: Buffer): Buffer {
  return value.subarray(FRAME);
}

/** A control record's JSON changed. */
export function changed(
  change: (json: Record<string, unknown>, facts: Facts) => Record<string, unknown>,
): BadPayload['record'] {
  return valued((value, facts) =>
    encodeJson(change(JSON.parse(value.toString('utf8', 1)) as Record<string, unknown>, facts)),
  );
}

/** A control record of this JSON, as Rowcast frames it. */
export function told(json: (facts: Facts) => unknown): BadPayload['record'] {
  return (_, facts) => ({ key: null, value: encodeJson(json(facts)), headers: [] });
}
