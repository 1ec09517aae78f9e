import type { TopicBatches } from './batch-index.ts';
import { readInto } from './frame-scan.ts';
import type { Contents } from './log-file.ts';

/** Batches that lie closer together than this are read at once, together with what lies between them. */
const MAX_GAP_BYTES = 16 * 1024;
/** How much of other topics may be read along before a read ends early: small batches between large ones of others. */
const MAX_SPREAD_BYTES = 4 * 1024 * 1024;

/**
 * The topic's batches of one file from the one that holds `offset` on: at most `maxBytes`, but at least one. Empty when
 * the file has none.
 */
export async function fetchBatches(
  contents: Contents,
  topic: number,
  offset: number,
  maxBytes: number,
): Promise<Buffer> {
  const batches = contents.index.topics.get(topic);
  const first = batches?.find(offset) ?? -1;
  if (batches === undefined || first < 0) return Buffer.alloc(0);
  const { end, bytes } = extent(batches, first, maxBytes);
  const out = Buffer.allocUnsafeSlow(bytes);
  for (let i = first, at = 0; i < end; ) {
    const groupEnd = endOfGroup(batches, i, end);
    at = await readGroup(contents, batches, i, groupEnd, out, at);
    i = groupEnd;
  }
  return out;
}

function extent(batches: TopicBatches, first: number, maxBytes: number): { end: number; bytes: number } {
  let bytes = batches.size(first);
  let end = first + 1;
  for (; end < batches.length; end++) {
    const size = batches.size(end);
    if (bytes + size > maxBytes) break;
    if (batches.position(end) - batches.position(first) > bytes + MAX_SPREAD_BYTES) break;
    bytes += size;
  }
  return { end, bytes };
}

function endOfGroup(batches: TopicBatches, first: number, end: number): number {
  let last = first;
  while (last + 1 < end && batches.position(last + 1) - positionAfter(batches, last) <= MAX_GAP_BYTES) last++;
  return last + 1;
}

function positionAfter(batches: TopicBatches, i: number): number {
  return batches.position(i) + batches.size(i);
}

/** Reads the batches `first` to `end - 1` with one request into `out` and returns where the next ones go. */
async function readGroup(
  contents: Contents,
  batches: TopicBatches,
  first: number,
  end: number,
  out: Buffer,
  at: number,
): Promise<number> {
  const start = batches.position(first);
  const length = positionAfter(batches, end - 1) - start;
  let stored = 0;
  for (let i = first; i < end; i++) stored += batches.size(i);
  if (stored === length) {
    await readInto(contents, start, out, at, length);
    return at + length;
  }
  const group = Buffer.allocUnsafeSlow(length);
  await readInto(contents, start, group, 0, length);
  for (let i = first; i < end; i++) {
    const from = batches.position(i) - start;
    at += group.copy(out, at, from, from + batches.size(i));
  }
  return at;
}
