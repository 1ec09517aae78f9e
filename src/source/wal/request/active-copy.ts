import type { RequestedCopy } from '../../../change/copy-request.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import type { Chunk, Shown } from './chunk-reader.ts';
import type { Unseen } from './unseen.ts';
import type { WholeTable } from './whole-interval.ts';

/** So often may the stream tell another shape than the catalog, before the table is copied as a whole. */
const MAX_MISFITS = 20;

/** What this process knows of the copy that is under way. */
export interface ActiveCopy {
  copy: RequestedCopy;
  unseen: Unseen | undefined;
  /** A shape that is to be copied, and where the stream has to be so that it has brought that shape. */
  shape: { readonly fingerprint: string; readonly lsn: number } | undefined;
  /** The version that is announced for the rows. */
  table: TableSchema | undefined;
  /** Where the stream has to be so that it has brought all that there was of the table: it was dropped. */
  goneLsn: number | undefined;
  chunk: (Chunk & { readonly highLsn: number }) | undefined;
  whole: WholeTable | undefined;
  estimatedRows: number;
  misfits: number;
  retries: number;
}

/** Nothing is known of it yet. */
export function activeCopy(copy: RequestedCopy): ActiveCopy {
  return {
    copy,
    unseen: undefined,
    shape: undefined,
    table: undefined,
    goneLsn: undefined,
    chunk: undefined,
    whole: undefined,
    estimatedRows: 0,
    misfits: 0,
    retries: 0,
  };
}

export function isSameCopy(a: RequestedCopy, b: RequestedCopy): boolean {
  const key = ({ id, schema, name, condition, isBlocking, begun }: RequestedCopy): string =>
    JSON.stringify([id, schema, name, condition, isBlocking, begun?.relationId, begun?.fingerprint]);
  return key(a) === key(b);
}

/** By ranges of its key; else as a whole, which the stream waits for. */
export function isChunked({ copy, misfits }: ActiveCopy, { source }: Shown): boolean {
  return !copy.isBlocking && source.rangeColumns.length > 0 && misfits <= MAX_MISFITS;
}
