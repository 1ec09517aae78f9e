import { AnswerAssembly } from '../../../src/log/kafka/answer-assembly.ts';
import { createTopicsRequest } from '../../../src/log/kafka/protocol/create-topics.ts';
import { deleteRecordsRequest } from '../../../src/log/kafka/protocol/delete-records.ts';
import { describeConfigsRequest } from '../../../src/log/kafka/protocol/describe-configs.ts';
import { fetchRequest } from '../../../src/log/kafka/protocol/fetch.ts';
import { listOffsetsRequest, PartitionEnd } from '../../../src/log/kafka/protocol/list-offsets.ts';
import { metadataRequest } from '../../../src/log/kafka/protocol/metadata.ts';
import { produceRequest } from '../../../src/log/kafka/protocol/produce.ts';
import type { Answer, KafkaRequest } from '../../../src/log/kafka/protocol/request.ts';
import { RequestWriter, ResponseReader } from '../../../src/log/kafka/protocol/wire.ts';
import { RecordReader } from '../../../src/log/record-reader.ts';
import { record, recordSet } from '../../log/records.ts';
import type { Target } from '../target.ts';

/** Every request whose answer is read here, with an answer as Kafka's grammar has it. */
const ANSWERS: readonly (readonly [KafkaRequest<Answer>, () => Buffer])[] = [
  [produceRequest([], 1000), produced],
  [fetchRequest([{ topic: 't', partition: 0, offset: 0 }], 1000, 10), fetched],
  [metadataRequest(['t']), metadata],
  [
    listOffsetsRequest([], PartitionEnd.end),
    () =>
      new RequestWriter().int32(0).int32(1).string('t').int32(1).int32(0).int16(0).int64(-1).int64(9).int32(4).take(),
  ],
  [
    deleteRecordsRequest('t', 0, 9, 1000),
    () => new RequestWriter().int32(0).int32(1).string('t').int32(1).int32(0).int64(9).int16(0).take(),
  ],
  [
    createTopicsRequest([], 1000),
    () => new RequestWriter().int32(0).int32(1).string('t').int16(36).nullableString('there').take(),
  ],
  [describeConfigsRequest([]), described],
];

export const KAFKA_TARGETS: readonly Target[] = [
  {
    name: 'kafka-answers',
    reads: 'answers of brokers: produce, fetch, metadata, offsets, topics, settings',
    // The first byte says which request is answered.
    corpus: () => ANSWERS.map(([, answer], i) => Buffer.concat([Buffer.of(i), answer()])),
    run: (input) => {
      const [request] = ANSWERS[(input[0] ?? 0) % ANSWERS.length] as (typeof ANSWERS)[number];
      const answer: Partial<{ partitions: readonly { bytes?: Buffer }[] }> & Answer = request.decode(
        new ResponseReader(request.name, input.subarray(1)),
      );
      for (const { bytes } of answer.partitions ?? []) {
        const reader = new RecordReader(bytes ?? Buffer.alloc(0));
        while (reader.next());
      }
    },
    mostBytes: (size) => 300 * 1024 * 1024 + 1024 * size,
  },
  {
    name: 'kafka-frames',
    reads: 'chunks in which answers of brokers arrive',
    corpus: () =>
      ANSWERS.slice(0, 3).map(([, answer]) =>
        Buffer.concat([length(answer().length), answer(), length(4), Buffer.alloc(4)]),
      ),
    run: (input) => {
      const assembly = new AnswerAssembly(() => undefined);
      const size = 1 + (input.length % 61);
      for (let at = 0; at < input.length && assembly.push(input.subarray(at, at + size)); at += size);
    },
    // As much as the first bytes of an answer may make it take.
    mostBytes: (size) => 80 * 1024 * 1024 + 1024 * size,
  },
];

function produced(): Buffer {
  const partition = new RequestWriter()
    .int32(0)
    .int16(0)
    .int64(7)
    .int64(-1)
    .int64(0)
    .int32(1)
    .int32(0)
    .nullableString('no');
  return new RequestWriter().int32(1).string('t').int32(1).bytes(partition.nullableString(null).take()).int32(7).take();
}

function fetched(): Buffer {
  const { bytes } = recordSet([record('one'), record('two')]).batches[0] as { bytes: Buffer };
  const partition = new RequestWriter().int32(0).int16(0).int64(2).int64(2).int64(0).int32(1).int64(1).int64(0);
  const out = new RequestWriter().int32(0).int16(0).int32(0).int32(1).string('t').int32(1);
  return out.bytes(partition.int32(bytes.length).bytes(bytes).take()).take();
}

function metadata(): Buffer {
  const out = new RequestWriter().int32(0).unsignedVarint(2).int32(1).compactString('host').int32(9092);
  out.unsignedVarint(0).noTags().compactString('cluster').int32(1).unsignedVarint(2);
  out.int16(0).compactString('t').bytes(Buffer.alloc(16, 3)).boolean(false).unsignedVarint(2);
  out.int16(0).int32(0).int32(1).int32(5);
  for (let lists = 0; lists < 3; lists++) out.unsignedVarint(2).int32(1);
  return out.noTags().int32(0).noTags().noTags().take();
}

function described(): Buffer {
  const out = new RequestWriter().int32(0).int32(1).int16(0).nullableString(null).int8(2).string('t').int32(1);
  out.string('retention.ms').nullableString('-1').boolean(false).int8(1).boolean(false).int32(1);
  return out.string('s').nullableString('v').int8(1).int8(1).nullableString(null).take();
}

function length(size: number): Buffer {
  return new RequestWriter().int32(size).take();
}
