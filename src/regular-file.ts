import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { OperatorError } from './errors.ts';

/** Certificates of all authorities of a Linux distribution have about 250 KB. */
const MAX_PEM_BYTES = 1024 * 1024;

/**
 * What a regular file holds. A pipe would block the process and a device might never end: for them, and for more than `maxBytes` bytes, it
 * throws an OperatorError whose message goes on after the file's name; errors of the system pass.
 */
export function readRegularFile(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe without a writer would be waited for
  try {
    if (!fstatSync(descriptor).isFile()) throw new OperatorError('is no regular file');
    const bytes = readAtMost(descriptor, maxBytes + 1);
    if (bytes.length > maxBytes) throw new OperatorError(`has more than ${maxBytes} bytes`);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** What a PEM file holds, one character for each byte; throws like `readRegularFile`. */
export function readPemFile(path: string): string {
  return readRegularFile(path, MAX_PEM_BYTES).toString('latin1');
}

/** The size that a file says may be 0 (below /proc), and the file may grow: what is read counts. */
function readAtMost(descriptor: number, most: number): Buffer {
  const chunks: Buffer[] = [];
  for (let left = most; left > 0; ) {
    const chunk = Buffer.allocUnsafe(Math.min(left, 64 * 1024));
    const length = readSync(descriptor, chunk);
    if (length === 0) break;
    chunks.push(chunk.subarray(0, length));
    left -= length;
  }
  return Buffer.concat(chunks);
}
