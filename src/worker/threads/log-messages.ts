import type { Append, Cursor, Fetched, Published, Span, Topic, TopicSpec } from '../../log/log.ts';
import type { SentError } from './sent-error.ts';

/** What a task's thread asks of the log in the main thread. */
export type LogRequest =
  | { readonly method: 'open' }
  | { readonly method: 'topics'; readonly names: readonly string[] }
  | { readonly method: 'createTopics'; readonly specs: readonly TopicSpec[] }
  | ({ readonly method: 'publish' } & PublishRequest)
  | {
      readonly method: 'read';
      readonly cursors: readonly Cursor[];
      readonly maxBytes: number;
      readonly maxWaitMs: number;
    }
  | { readonly method: 'bounds'; readonly topic: string; readonly partition: number }
  | { readonly method: 'trim'; readonly topic: string; readonly partition: number; readonly before: number }
  | {
      readonly method: 'release';
      readonly reader: string;
      readonly scope: string;
      readonly cursors: readonly Cursor[];
    };

/** `checkpoint` holds only if the data is given exactly these `spans`: it names them. */
export interface PublishRequest {
  readonly appends: PackedAppends;
  readonly checkpoint: { readonly spans: readonly Span[]; readonly appends: PackedAppends } | undefined;
}

/** What each request is answered with. */
export interface LogAnswers {
  /** The log's `clusterId`. */
  readonly open: string;
  readonly topics: ReadonlyMap<string, Topic>;
  readonly createTopics: void;
  readonly publish: Published;
  readonly read: PackedFetch;
  readonly bounds: { readonly start: number; readonly end: number };
  readonly trim: void;
  readonly release: void;
}

export type ToLogServer =
  | { readonly kind: 'request'; readonly id: number; readonly request: LogRequest }
  | { readonly kind: 'abort'; readonly id: number };

/** `aborted`: by the abort that the client sent. */
export type ToLogClient =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: LogAnswers[keyof LogAnswers] }
  | { readonly kind: 'error'; readonly id: number; readonly error: SentError }
  | { readonly kind: 'aborted'; readonly id: number };

/** Appends with all their bytes in one buffer, which is handed over instead of being cloned. */
export interface PackedAppends {
  readonly bytes: ArrayBuffer;
  readonly appends: readonly {
    readonly topic: string;
    readonly partition: number;
    /** Bytes and records of each batch, in order. */
    readonly batches: readonly { readonly size: number; readonly count: number }[];
  }[];
}

/** What was fetched, with all bytes in one buffer. */
export interface PackedFetch {
  readonly bytes: ArrayBuffer;
  readonly fetched: readonly (Omit<Fetched, 'bytes'> & { readonly size: number })[];
}

/** Copies the bytes once: a view's clone would take all of the memory behind it along. */
export function packAppends(appends: readonly Append[]): PackedAppends {
  const batches = appends.flatMap(({ records }) => records.batches.map(({ bytes }) => bytes));
  return {
    bytes: joined(batches),
    appends: appends.map(({ topic, partition, records }) => {
      return { topic, partition, batches: records.batches.map(({ bytes, count }) => ({ size: bytes.length, count })) };
    }),
  };
}

export function unpackAppends({ bytes, appends }: PackedAppends): readonly Append[] {
  let at = 0;
  return appends.map(({ topic, partition, batches: sizes }) => {
    const from = at;
    const batches = sizes.map(({ size, count }) => ({ bytes: Buffer.from(bytes, (at += size) - size, size), count }));
    const records = { batches, count: sizes.reduce((sum, { count }) => sum + count, 0), byteLength: at - from };
    return { topic, partition, records };
  });
}

export function packFetch(fetched: readonly Fetched[]): PackedFetch {
  return {
    bytes: joined(fetched.map(({ bytes }) => bytes)),
    fetched: fetched.map(({ bytes, ...rest }) => ({ ...rest, size: bytes.length })),
  };
}

export function unpackFetch({ bytes, fetched }: PackedFetch): readonly Fetched[] {
  let at = 0;
  return fetched.map(({ size, ...rest }) => ({ ...rest, bytes: Buffer.from(bytes, (at += size) - size, size) }));
}

function joined(parts: readonly Buffer[]): ArrayBuffer {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.buffer;
}
