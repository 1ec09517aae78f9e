import { gunzipSync, gzipSync } from 'node:zlib';
import { BeyondBounds } from './bounds.ts';

/** As fast as it gets; higher levels save a tenth for twice the time. */
const LEVEL = 1;

/** One gzip member. */
export function compressGzip(bytes: Buffer): readonly Uint8Array[] {
  return [gzipSync(bytes, { level: LEVEL })];
}

/** Throws BeyondBounds, or what zlib throws for bytes that are not gzip's. */
export function decompressGzip(bytes: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw error instanceof RangeError ? new BeyondBounds(maxBytes) : error;
  }
}
