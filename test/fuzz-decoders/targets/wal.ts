import { Batch } from '../../../src/change/batch.ts';
import type { ColumnType } from '../../../src/change/table-schema.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { Assembler } from '../../../src/source/wal/assembler.ts';
import { decodeMessage, readRelation, type RelationMessage } from '../../../src/source/wal/decoder.ts';
import { FrameCutter } from '../../../src/source/wal/frame-cutter.ts';
import { describeRelation, typeKey } from '../../../src/source/wal/relation.ts';
import { keepalive, xLogData } from '../../source/wal/fake-walsender.ts';
import * as message from '../../source/wal/pgoutput-bytes.ts';
import type { Target } from '../target.ts';

const FILTER = compileFilter({
  schemaInclude: [],
  schemaExclude: [],
  tableInclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
});

const ORDERS: RelationMessage = {
  relationId: 16_401,
  schema: 'public',
  name: 'orders',
  identity: 'f',
  columns: [
    { name: 'id', isKey: true, typeId: 23, modifier: -1 },
    { name: 'note', isKey: false, typeId: 25, modifier: -1 },
    { name: 'large', isKey: false, typeId: 25, modifier: -1 },
  ],
};

/** What a stream is made of: transactions with changes of every kind. */
const MESSAGES: readonly (readonly Buffer[])[] = [
  [
    message.begin(0x1_0000_0100, 800_000_000_000_000, 771),
    message.relation(ORDERS),
    message.insert(16_401, ['1', 'first', null]),
    message.update(16_401, 'O', ['1', 'first', 'x'], ['2', 'second', undefined]),
    message.update(16_401, '', undefined, ['2', 'third', undefined]),
    message.remove(16_401, 'K', ['2', null, null]),
    message.commit(0x1_0000_0100, 0x1_0000_0200),
  ],
  [
    message.begin(0x1_0000_0200, 0, 772),
    message.relation({ ...ORDERS, identity: 'd', name: 'lines' }),
    message.update(16_401, 'K', ['1', null, null], ['2', null, 'x'.repeat(300)]),
    message.truncate([16_401], 3),
    message.commit(0x1_0000_0200, 0x1_0000_0300),
  ],
  [message.begin(1, 0, 1), Buffer.from('Y\0\0\0\x01public\0mood\0'), Buffer.from('M\0'), message.commit(1, 2)],
];

export const WAL_TARGETS: readonly Target[] = [
  {
    name: 'pgoutput',
    reads: 'messages of the logical replication stream',
    refusal: 'plain',
    // Each behind its length, as if the protocol around them had been right.
    corpus: () => MESSAGES.map((messages) => Buffer.concat(messages.flatMap((each) => [sized(each.length), each]))),
    run: (input) => {
      const assembler = assembling();
      for (let at = 0; at + 2 <= input.length; ) {
        const start = at + 2;
        const end = Math.min(input.length, start + input.readUInt16BE(at));
        decodeMessage(input, start, end, assembler);
        readRelation(input, start, end);
        at = end;
      }
      assembler.take();
    },
  },
  {
    name: 'replication-frames',
    reads: 'messages of a replication connection, in chunks as the socket has them',
    corpus: () => {
      const streamed = MESSAGES.flat().map((each) => xLogData(0x1000, each));
      return [Buffer.concat([...streamed, keepalive(0x2000, true)]), Buffer.concat([keepalive(1, false), other()])];
    },
    run: cutFrames,
  },
];

function assembling(): Assembler {
  const assembler: Assembler = new Assembler(
    {
      relation: (each) =>
        assembler.setRelation(
          describeRelation(each, undefined, typesOf(each), assembler.tableOf(each.relationId), FILTER),
        ),
      full: () => undefined,
      idle: () => undefined,
      newBatch: () => new Batch(4, 32, 1024),
    },
    0,
    2048,
    { last: 0 },
  );
  return assembler;
}

/** The catalog knows every type. */
function typesOf({ columns }: RelationMessage): ReadonlyMap<string, ColumnType> {
  return new Map(
    columns.map(({ typeId, modifier }) => [
      typeKey(typeId, modifier),
      {
        oid: typeId,
        name: 'pg_catalog.text',
        declared: 'text',
        modifier,
        kind: 'base',
        base: 'pg_catalog.text',
        baseModifier: modifier,
      },
    ]),
  );
}

function cutFrames(input: Buffer): void {
  const cutter = new FrameCutter({ message: () => undefined, keepalive: () => undefined, other: () => undefined });
  const chunk = 1 + (input.length % 97);
  for (let at = 0; at < input.length; ) {
    const room = cutter.room();
    const size = Math.min(room.length, chunk, input.length - at);
    input.copy(room, 0, at, at + size);
    cutter.filled(size);
    at += size;
  }
}

/** A message of another kind: passed on. */
function other(): Buffer {
  return Buffer.from('N\0\0\0\x08text');
}

function sized(length: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(length);
  return bytes;
}
