import * as zlib from 'node:zlib';

/** One implementation of Zstandard. */
export interface Zstd {
  compress(bytes: Buffer, level: number): Uint8Array;
  /** One frame, which becomes at most `mostBytes`. */
  decompress(frame: Buffer, mostBytes: number): Buffer;
}

/** What newer versions of Node.js have, and the types of the oldest one do not know. */
interface ZstdOfNode {
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
  zstdCompressSync(bytes: Buffer, options: object): Buffer;
  zstdDecompressSync(bytes: Buffer, options: object): Buffer;
}

/** Node.js's own Zstandard; undefined before 22.15. */
export function zstdOfNode(): Zstd | undefined {
  if (!('zstdCompressSync' in zlib)) return undefined;
  const node = zlib as unknown as ZstdOfNode;
  return {
    compress: (bytes, level) =>
      node.zstdCompressSync(bytes, { params: { [node.constants.ZSTD_c_compressionLevel]: level } }),
    decompress: (frame, mostBytes) => node.zstdDecompressSync(frame, { maxOutputLength: mostBytes }),
  };
}
