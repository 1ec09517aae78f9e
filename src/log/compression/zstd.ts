import { BeyondBounds } from './bounds.ts';
import { zstdFrames } from './zstd-frames.ts';
import { type Zstd, zstdOfNode } from './zstd-node.ts';
import { loadZstdWasm } from './zstd-wasm.ts';

/** The fastest of the usual ones; still smaller than what the others make. */
const LEVEL = 1;

let zstd: Zstd | undefined;

/** One zstd frame. */
export function compressZstd(bytes: Buffer): readonly Uint8Array[] {
  zstd ??= zstdOfNode() ?? loadZstdWasm();
  return [zstd.compress(bytes, LEVEL)];
}

/** Reads frames of zstd, whether they say how large they become or not. Throws BeyondBounds, or another Error for what is none. */
export function decompressZstd(bytes: Buffer, maxBytes: number): Buffer {
  const frames = [...zstdFrames(bytes)].filter(({ mostBytes }) => mostBytes > 0);
  if (frames.reduce((sum, { mostBytes }) => sum + mostBytes, 0) > maxBytes) throw new BeyondBounds(maxBytes);
  zstd ??= zstdOfNode() ?? loadZstdWasm();
  const codec = zstd;
  const parts = frames.map((frame) => codec.decompress(frame.bytes, frame.mostBytes));
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
