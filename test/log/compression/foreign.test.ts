import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type CompressionType, compressionOf, decompress } from '../../../src/log/compression/compression.ts';
import { loadPackage } from '../../../src/log/compression/load-package.ts';
import { zstdOfNode } from '../../../src/log/compression/zstd-node.ts';
import { loadZstdWasm } from '../../../src/log/compression/zstd-wasm.ts';
import { describeError, OperatorError } from '../../../src/errors.ts';

const require: NodeJS.Require = createRequire(import.meta.url);
const snappy = require('snappy') as { compressSync(bytes: Buffer): Buffer };
const lz4 = require('lz4-napi') as {
  compressSync(bytes: Buffer): Buffer;
  compressFrameSync(bytes: Buffer, options?: object): Buffer;
  decompressFrameSync(bytes: Buffer): Buffer;
};

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/** 700 kB that a tenth of it stands for. */
const text = Buffer.from(
  Array.from({ length: 20_000 }, (_, i) => `line ${i}, ${(i * 7919) % 1000}, of the text\n`).join(''),
);
const [first, second, third] = [text.subarray(0, 1000), text.subarray(1000, 300_000), text.subarray(300_000)];

function packed(type: CompressionType, bytes: Buffer): Buffer {
  return Buffer.concat(compressionOf(type)?.compress(bytes) ?? []);
}

const reads = (id: number, bytes: Buffer, expected: Buffer = text): void =>
  expect(decompress(id, bytes, 0).equals(expected)).toBe(true);

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

describe('snappy of others', () => {
  const header = Buffer.concat([Buffer.from('\x82SNAPPY\0', 'latin1'), int32(1), int32(1)]);
  const chunk = (bytes: Buffer): Buffer => {
    const block = snappy.compressSync(bytes);
    return Buffer.concat([int32(block.length), block]);
  };

  test('is read as one block without framing', () => reads(SNAPPY, snappy.compressSync(text)));

  test('is read as blocks of different sizes in the framing of Java', () =>
    reads(SNAPPY, Buffer.concat([header, chunk(first), chunk(second), chunk(third)])));

  test('is read as streams one behind the other', () =>
    reads(SNAPPY, Buffer.concat([header, chunk(first), header, chunk(second), chunk(third)])));

  test('may be empty', () => {
    reads(SNAPPY, header, Buffer.alloc(0));
    reads(SNAPPY, snappy.compressSync(Buffer.alloc(0)), Buffer.alloc(0));
  });
});

describe('LZ4 of others', () => {
  test('is read as a frame with larger blocks, with and without checksums', () => {
    reads(LZ4, lz4.compressFrameSync(text));
    reads(LZ4, lz4.compressFrameSync(text, { contentChecksum: true, blockChecksums: true }));
    reads(LZ4, lz4.compressFrameSync(Buffer.alloc(0)), Buffer.alloc(0));
  });

  test('is read as a frame that says its length', () => {
    const frame = packed('lz4', text);
    const length = Buffer.alloc(8);
    length.writeUInt32LE(text.length);
    const flagged = Buffer.concat([frame.subarray(0, 6), length, frame.subarray(6)]);
    flagged[4] = 0x68;
    reads(LZ4, flagged);
  });

  test('reads our frames', () => {
    expect(lz4.decompressFrameSync(packed('lz4', text)).equals(text)).toBe(true);
  });

  test('is refused where its blocks depend on each other, as brokers do', () => {
    const frame = packed('lz4', text);
    frame[4] = 0x40;
    expect(() => decompress(LZ4, frame, 5)).toThrow('Record batch at offset 5 says that it is compressed with lz4');
  });
});

describe('zstd of others', () => {
  /** A frame as a stream writes it, which does not know how long it will be. */
  function streamed(bytes: Buffer): Buffer {
    const frame = packed('zstd', bytes);
    const descriptor = frame[4] as number;
    const sizeBytes = [1, 2, 4, 8][descriptor >> 6] as number;
    const isSingle = (descriptor & 0x20) !== 0;
    const blocks = frame.subarray(5 + (isSingle ? 0 : 1) + sizeBytes);
    return Buffer.concat([frame.subarray(0, 4), Buffer.from([descriptor & 0x04, 0x60]), blocks]);
  }

  test('is read as frames that say how long they become, and that do not', () => {
    reads(ZSTD, Buffer.concat([packed('zstd', first), packed('zstd', second), packed('zstd', third)]));
    reads(ZSTD, streamed(text));
    reads(ZSTD, Buffer.concat([streamed(first), packed('zstd', second), streamed(third)]));
  });

  test('is read without what is to be skipped', () => {
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    reads(ZSTD, Buffer.concat([skippable, packed('zstd', text), skippable]));
  });

  test.skipIf(zstdOfNode() === undefined)("is the same to Node.js's own and to what stands in for it", () => {
    const [own, wasm] = [zstdOfNode(), loadZstdWasm()];
    const ofOwn = Buffer.from(own?.compress(text, 1) ?? []);
    expect(wasm.decompress(ofOwn, text.length).equals(text)).toBe(true);
    expect(own?.decompress(Buffer.from(wasm.compress(text, 1)), text.length).equals(text)).toBe(true);
  });

  test('may be empty', () => reads(ZSTD, packed('zstd', Buffer.alloc(0)), Buffer.alloc(0)));
});

describe.each([
  [GZIP, 'gzip'],
  [SNAPPY, 'snappy'],
  [LZ4, 'lz4'],
  [ZSTD, 'zstd'],
] as const)('codec %i, %s,', (id, type) => {
  const bytes = packed(type, text);

  test('says so where the bytes are cut off or something else', () => {
    const cuts = [1, 3, 4, 5, 7, 8, 20, 100, bytes.length - 1].map((end) => bytes.subarray(0, end));
    for (const wrong of [...cuts, text, Buffer.from('no'), Buffer.alloc(100, 255)]) {
      let error: unknown;
      try {
        expect(decompress(id, wrong, 77).equals(text)).toBe(false);
      } catch (thrown) {
        error = thrown;
      }
      if (id !== SNAPPY || error !== undefined) expect(error).toBeInstanceOf(OperatorError);
      if (error !== undefined)
        expect(describeError(error)).toContain(`at offset 77 says that it is compressed with ${type}`);
    }
  });

  test('never fails in another way, whichever byte is wrong', () => {
    for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 997) {
      const wrong = Buffer.from(bytes);
      wrong[at] = (wrong[at] as number) ^ 0xff;
      try {
        expect(decompress(id, wrong, 0).length).toBeLessThan(20 * text.length);
      } catch (error) {
        expect(error).toBeInstanceOf(OperatorError);
      }
    }
  });

  test('stops at the limit, before the memory for more is taken', () => {
    const bomb = packed(type, Buffer.alloc(8_000_000));
    expect(decompress(id, bomb, 0, 8_000_000)).toHaveLength(8_000_000);
    const error = (limit: number): unknown => {
      try {
        return decompress(id, bomb, 3, limit);
      } catch (thrown) {
        return thrown;
      }
    };
    for (const limit of [1000, 7_999_999]) {
      expect(error(limit)).toBeInstanceOf(OperatorError);
      expect(describeError(error(limit))).toContain(`Record batch at offset 3 becomes more than ${limit} bytes`);
    }
  });
});

test('a frame that says it becomes terabytes is refused by what it says', () => {
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0]);
  expect(() => decompress(ZSTD, frame, 0)).toThrow('becomes more than 268435456 bytes');
  const block = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.from('xxxx')]);
  expect(() => decompress(SNAPPY, block, 0)).toThrow('becomes more than 268435456 bytes');
});

test('gzip of others is read at every level', () => {
  for (const level of [1, 6, 9]) reads(GZIP, gzipSync(text, { level }));
});

test('a package that does not load says which codec it is for, and what to do', () => {
  const load = (): unknown => loadPackage('no-such-package', 'lz4');
  expect(load).toThrow(OperatorError);
  expect(load).toThrow('Compression lz4 cannot be used: package no-such-package does not load');
});
