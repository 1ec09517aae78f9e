import { createRequire } from 'node:module';
import type { TestRecord } from './records.ts';

// kafkajs's own encoder and decoder of record batches: inner modules without types.
const require: NodeJS.Require = createRequire(import.meta.url);
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  readonly RecordBatch: (batch: object) => Promise<{ readonly buffer: Buffer }>;
};
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => unknown;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<DecodedBatch>;
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;

export interface DecodedBatch {
  readonly firstOffset: string;
  readonly lastOffsetDelta: number;
  readonly records: readonly {
    readonly offset: string;
    readonly timestamp: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: Readonly<Record<string, Buffer>>;
  }[];
}

/** A record batch as kafkajs writes it for a producer that is neither idempotent nor transactional. */
export async function kafkajsBatch(
  records: readonly TestRecord[],
  timestamp: number,
  compression: 0 | 1 = 0,
): Promise<Buffer> {
  const batch = await RecordBatch({
    compression,
    firstTimestamp: timestamp,
    maxTimestamp: timestamp,
    partitionLeaderEpoch: -1,
    lastOffsetDelta: records.length - 1,
    producerEpoch: -1,
    firstSequence: -1,
    records: records.map(({ key, value, headers }, offsetDelta) =>
      encodeRecord({ offsetDelta, timestampDelta: 0, key, value, headers: Object.fromEntries(headers) }),
    ),
  });
  return batch.buffer;
}

/** What kafkajs reads of one record batch. */
export async function kafkajsRead(bytes: Buffer): Promise<DecodedBatch> {
  return await decodeBatch(new Decoder(bytes));
}
