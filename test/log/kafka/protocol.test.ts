import { describe, expect, test } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { createTopicsRequest } from '../../../src/log/kafka/protocol/create-topics.ts';
import { deleteRecordsRequest } from '../../../src/log/kafka/protocol/delete-records.ts';
import { describeConfigsRequest } from '../../../src/log/kafka/protocol/describe-configs.ts';
import { fetchRequest } from '../../../src/log/kafka/protocol/fetch.ts';
import { listOffsetsRequest, PartitionEnd } from '../../../src/log/kafka/protocol/list-offsets.ts';
import { metadataRequest } from '../../../src/log/kafka/protocol/metadata.ts';
import { produceRequest } from '../../../src/log/kafka/protocol/produce.ts';
import type { Answer, KafkaRequest } from '../../../src/log/kafka/protocol/request.ts';
import { RequestWriter, ResponseReader } from '../../../src/log/kafka/protocol/wire.ts';
import { record, recordSet } from '../records.ts';

/** Answers as Kafka's grammar writes them, and what they say. */
const answers: readonly (readonly [KafkaRequest<Answer>, Buffer, object])[] = [
  [
    produceRequest([], 1000),
    new RequestWriter()
      .int32(1)
      .string('t')
      .int32(2)
      .bytes(producedPartition(0, 0, 2 ** 40, null))
      .bytes(producedPartition(1, 10, -1, 'too large'))
      .int32(7)
      .take(),
    {
      throttleMs: 7,
      partitions: [
        { topic: 't', partition: 0, errorCode: 0, baseOffset: 2 ** 40, errorMessage: null },
        { topic: 't', partition: 1, errorCode: 10, baseOffset: -1, errorMessage: 'too large' },
      ],
    },
  ],
  [
    listOffsetsRequest([], PartitionEnd.end),
    new RequestWriter().int32(0).int32(1).string('t').int32(1).int32(0).int16(0).int64(-1).int64(9).int32(4).take(),
    { throttleMs: 0, partitions: [{ topic: 't', partition: 0, errorCode: 0, offset: 9 }] },
  ],
  [
    deleteRecordsRequest('t', 0, 9, 1000),
    new RequestWriter().int32(0).int32(1).string('t').int32(1).int32(0).int64(9).int16(0).take(),
    { throttleMs: 0, partitions: [{ topic: 't', partition: 0, lowWatermark: 9, errorCode: 0 }] },
  ],
  [
    createTopicsRequest([], 1000),
    new RequestWriter().int32(0).int32(1).string('t').int16(36).nullableString('there').take(),
    { throttleMs: 0, topics: [{ topic: 't', errorCode: 36, errorMessage: 'there' }] },
  ],
  [
    describeConfigsRequest([]),
    new RequestWriter()
      .int32(0)
      .int32(1)
      .int16(0)
      .nullableString(null)
      .int8(2)
      .string('t')
      .int32(2)
      .bytes(setting('retention.ms', '-1'))
      .bytes(setting('secret', null))
      .take(),
    {
      throttleMs: 0,
      topics: [{ topic: 't', errorCode: 0, errorMessage: null, config: new Map([['retention.ms', '-1']]) }],
    },
  ],
  [
    metadataRequest([]),
    metadata(),
    {
      throttleMs: 0,
      brokers: [{ node: 5, host: 'höst', port: 9092 }],
      clusterId: 'cluster',
      controller: 5,
      topics: [{ name: 't', errorCode: 0, id: 'AQEBAQEBAQEBAQEBAQEBAQ', leaders: [5, -1] }],
    },
  ],
];

describe.each(answers.map(([request, bytes, expected]) => ({ name: request.name, request, bytes, expected })))(
  'an answer to $name',
  ({ request, bytes, expected }) => {
    test('says what Kafka wrote', () => {
      expect(request.decode(new ResponseReader(request.name, bytes))).toEqual(expected);
    });

    test('is refused when it is cut off, wherever that is', () => {
      for (let length = 0; length < bytes.length; length++) {
        const reader = new ResponseReader(request.name, bytes.subarray(0, length));
        expect(() => request.decode(reader)).toThrow(TransientError);
      }
    });
  },
);

test.each([2, 16_843_009, 0x7fff_ffff, -1])(
  'an answer to Metadata with partition %i of two is refused',
  (partition) => {
    const request = metadataRequest([]);
    const reader = new ResponseReader(request.name, metadata(partition));
    expect(() => request.decode(reader)).toThrow(TransientError);
  },
);

describe('an answer to Fetch', () => {
  const batch = (recordSet([record('a')]).batches[0] as { bytes: Buffer }).bytes;

  function decode(records: Buffer | null): object {
    const out = new RequestWriter().int32(3).int16(0).int32(0).int32(1).string('t').int32(1);
    out.int32(4).int16(0).int64(100).int64(90).int64(50).int32(1).int64(1).int64(2);
    if (records === null) out.int32(-1);
    else out.int32(records.length).bytes(records);
    const request = fetchRequest([], 1000, 10);
    return request.decode(new ResponseReader(request.name, out.take()));
  }

  test('gives whole batches and leaves out one that is cut off', () => {
    const partition = { topic: 't', partition: 4, errorCode: 0, highWatermark: 100, logStart: 50 };
    for (const cut of [0, 1, 11, 12, batch.length - 1]) {
      const decoded = decode(Buffer.concat([batch, batch.subarray(0, cut)]));
      expect(decoded).toEqual({ throttleMs: 3, errorCode: 0, partitions: [{ ...partition, bytes: batch }] });
    }
  });

  test('is empty for no records', () => {
    expect(decode(null)).toMatchObject({ partitions: [{ bytes: Buffer.alloc(0) }] });
  });
});

describe('a Produce request', () => {
  test('carries the batches as they are, without copying them', () => {
    const batches = ['a', 'b'].map((each) => (recordSet([record(each)]).batches[0] as { bytes: Buffer }).bytes);
    const request = produceRequest(
      batches.map((batch, partition) => ({ topic: 't', partition, batch })),
      1000,
    );
    for (const batch of batches) expect(request.body.some((piece) => piece === batch)).toBe(true);
    const body = new ResponseReader('test', Buffer.concat(request.body));
    expect([body.nullableString(), body.int16(), body.int32()]).toEqual([null, -1, 1000]);
    const topics = body.array(() => ({
      name: body.string(),
      partitions: body.array(() => ({ partition: body.int32(), batch: Buffer.from(body.bytes()) })),
    }));
    expect(topics).toEqual([{ name: 't', partitions: batches.map((batch, partition) => ({ partition, batch })) }]);
  });
});

function producedPartition(partition: number, errorCode: number, baseOffset: number, message: string | null): Buffer {
  const out = new RequestWriter().int32(partition).int16(errorCode).int64(baseOffset).int64(-1).int64(0);
  return out.int32(1).int32(0).nullableString('record error').nullableString(message).take();
}

function setting(name: string, value: string | null): Buffer {
  const out = new RequestWriter()
    .string(name)
    .nullableString(value)
    .boolean(false)
    .int8(5)
    .boolean(value === null);
  return out.int32(1).string('synonym').nullableString(value).int8(5).int8(2).nullableString(null).take();
}

/** One broker, and one topic with a led and a leaderless partition; with tagged fields, which are to be skipped. */
function metadata(second = 0): Buffer {
  const out = new RequestWriter().int32(0);
  out.unsignedVarint(2).int32(5).compactString('höst').int32(9092).unsignedVarint(0);
  out.unsignedVarint(1).unsignedVarint(200).unsignedVarint(3).bytes(Buffer.from('tag'));
  out.compactString('cluster').int32(5);
  out.unsignedVarint(2).int16(0).compactString('t').bytes(Buffer.alloc(16, 1)).boolean(false).unsignedVarint(3);
  for (const [partition, leader] of [
    [1, -1],
    [second, 5],
  ] as const) {
    out
      .int16(leader < 0 ? 5 : 0)
      .int32(partition)
      .int32(leader)
      .int32(1);
    out.unsignedVarint(2).int32(5).unsignedVarint(1).unsignedVarint(1).noTags();
  }
  return out.int32(0).noTags().noTags().take();
}
