import { Batch } from '../../../src/change/batch.ts';
import { createPostgresSink } from '../../../src/sink/postgres/postgres-sink.ts';
import type { PostgresSinkSettings } from '../../../src/sink/postgres/settings.ts';
import type { Warn } from '../../../src/sink/postgres/warn.ts';
import type { Ownership, Progress, Sink } from '../../../src/sink/sink.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { batchOf, type Change } from '../batches.ts';

export const SIGNAL: AbortSignal = new AbortController().signal;

/** A target with a sink on it: what most tests start from. */
export interface Replica extends AsyncDisposable {
  readonly database: Database;
  readonly sink: Sink;
  /**
   * Applies each list as one chunk of one transaction and commits, with what is said of the progress; a single chunk as what it is, a
   * whole transaction.
   */
  apply(...chunks: (readonly Change[] | Batch | Partial<Progress>)[]): Promise<void>;
  /** All rows as text, ordered. */
  rows(name: string): Promise<(string | null)[][]>;
}

export async function replica(
  more: Partial<PostgresSinkSettings> = {},
  prepare: string = '',
  warn: Warn = () => undefined,
): Promise<Replica> {
  const database = await freshDatabase('sink');
  if (prepare !== '') await database.query(prepare);
  const sink = createPostgresSink({ connection: database.settings, name: 'copy', prefix: 'shop', ...more }, warn);
  let owned: Ownership | undefined;
  return {
    database,
    sink,
    async apply(...chunks) {
      owned ??= await sink.claim(SIGNAL);
      const isChunk = (chunk: object): boolean => Array.isArray(chunk) || chunk instanceof Batch;
      const progress: Progress = Object.assign(progressAfter(owned), ...chunks.filter((chunk) => !isChunk(chunk)));
      const batches = chunks
        .filter(isChunk)
        .map((chunk) => (chunk instanceof Batch ? chunk : batchOf(chunk as Change[])));
      if (batches.length < 2) await sink.commitOne(owned, batches[0], progress, false, SIGNAL);
      else {
        await using transaction = await sink.begin(owned, SIGNAL);
        for (const batch of batches) await transaction.apply(batch, SIGNAL);
        await transaction.commit(progress, false, SIGNAL);
      }
      owned = { ...owned, progress };
    },
    async rows(name) {
      const found = await database.client.query({
        text: `select * from ${name} as t order by t::text`,
        rowMode: 'array',
        types: TEXT,
      });
      return found.rows as (string | null)[][];
    },
    async [Symbol.asyncDispose]() {
      await sink[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const TEXT = { getTypeParser: () => (value: string | Buffer) => String(value) };

/** The progress of the next checkpoint. */
export function progressAfter(owned: Ownership): Progress {
  const offset = (owned.progress?.checkpointOffset ?? 0) + 1;
  return {
    logId: 'log',
    clusterId: 'cluster',
    claim: 1,
    number: offset,
    checkpointOffset: offset,
    position: String(offset),
    consistent: true,
    topicIds: {},
  };
}
