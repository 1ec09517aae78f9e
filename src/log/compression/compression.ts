import { OperatorError } from '../../errors.ts';
import type { BatchCompression } from '../batch-compression.ts';
import { BeyondBounds, MAX_RECORDS_BYTES } from './bounds.ts';
import { compressGzip, decompressGzip } from './gzip.ts';
import { compressLz4, decompressLz4 } from './lz4.ts';
import { compressSnappy, decompressSnappy } from './snappy.ts';
import { compressZstd, decompressZstd } from './zstd.ts';

/** How records can be compressed, by the names that Kafka's `compression.type` has for a producer. */
export type CompressionType = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

interface Codec extends BatchCompression {
  readonly name: Exclude<CompressionType, 'none'>;
  decompress(bytes: Buffer, maxBytes: number): Buffer;
}

/** By the number that each has in the attributes of a record batch. */
const CODECS: readonly (Codec | undefined)[] = [
  undefined,
  { id: 1, name: 'gzip', compress: compressGzip, decompress: decompressGzip },
  { id: 2, name: 'snappy', compress: compressSnappy, decompress: decompressSnappy },
  { id: 3, name: 'lz4', compress: compressLz4, decompress: decompressLz4 },
  { id: 4, name: 'zstd', compress: compressZstd, decompress: decompressZstd },
];

/** What writers of record batches compress with; undefined for `none`. */
export function compressionOf(type: CompressionType): BatchCompression | undefined {
  return CODECS.find((codec) => codec?.name === type);
}

/**
 * The records of a batch that begins at `offset`, from their compressed bytes. Throws OperatorError when they are not what `id` says,
 * become more than `maxBytes`, or there is nothing to read them with.
 */
export function decompress(id: number, bytes: Buffer, offset: number, maxBytes: number = MAX_RECORDS_BYTES): Buffer {
  const codec = CODECS[id];
  if (codec === undefined) {
    throw new OperatorError(`Record batch at offset ${offset} is compressed with codec ${id}, which cannot be read`, {
      advice: "Set the topic's compression.type to producer, or to a codec that Kafka 4.1 knows.",
    });
  }
  try {
    return codec.decompress(bytes, maxBytes);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    if (cause instanceof BeyondBounds) {
      throw new OperatorError(
        `Record batch at offset ${offset} becomes more than ${maxBytes} bytes when it is decompressed (${codec.name})`,
        { cause, advice: 'Rowcast writes no such batch: look at who has access to the topic.' },
      );
    }
    throw new OperatorError(
      `Record batch at offset ${offset} says that it is compressed with ${codec.name}, but it is not`,
      { cause, advice: 'The topic is damaged, or something that does not speak Kafka wrote it.' },
    );
  }
}
