import type { Control } from '../../../src/change/batch.ts';
import { type DdlCommand, ddlObjectName, type DdlObject, type TableState } from '../../../src/change/ddl.ts';
import type { SequenceState } from '../../../src/change/sequence-state.ts';
import type { Column, TableSchema } from '../../../src/change/table-schema.ts';
import { compressionOf, type CompressionType } from '../../../src/log/compression/compression.ts';
import {
  EXACT_HEADER,
  HEADER,
  headerClaim,
  headerIndex,
  isHeader,
  refuseNewerHeader,
} from '../../../src/log/protocol/header.ts';
import { CheckpointCounter } from '../../../src/log/protocol/counter.ts';
import { decodeControl, decodeTable, encodeControl } from '../../../src/log/protocol/control-codec.ts';
import { decodeLedgerRecord, encodeLedgerRecord } from '../../../src/log/protocol/records.ts';
import { readBatches, RecordReader } from '../../../src/log/record-reader.ts';
import { ExactKind, ExactReader } from '../../../src/converter/exact.ts';
import { OperatorError } from '../../../src/errors.ts';
import { goldenValues } from '../../golden/golden.ts';
import { recordSet, type TestRecord } from '../../log/records.ts';
import { column, table } from '../../converter/fixture.ts';
import type { Target } from '../target.ts';
import { MAX_RECORDS_BYTES } from '../../../src/log/compression/bounds.ts';

const TOPIC = 'shop.schema-changes';
const ORDERS = table([column('id', 'int8', { nullable: false }), column('note', 'text')]);

const STATE: TableState = {
  kind: 'table',
  table: { ...ORDERS, version: 0, isFollowed: true },
  isUnlogged: false,
  constraints: [{ oid: 1, name: 'orders_pkey', type: 'p', definition: 'PRIMARY KEY (id)', isValid: true }],
  indexes: [{ oid: 2, name: 'i', definition: 'CREATE INDEX i ON public.orders (note)' }],
  options: ['fillfactor=70'],
  comment: null,
  comments: { 1: 'x' },
};
const DDL: DdlCommand = {
  id: 7,
  tag: 'ALTER TABLE',
  session: { search_path: 'public' },
  changes: [
    { before: STATE, after: { ...STATE, comment: 'y' }, isRewritten: true, conversions: { note: null } },
    {
      after: { kind: 'enum', oid: 3, schema: 'public', name: 'mood', comment: null, labels: [{ oid: 4, label: 'ok' }] },
    },
  ],
};
const SEQUENCE: SequenceState = {
  schema: 'public',
  name: 's',
  columns: [{ schema: 'public', table: 'orders', column: 'id', draws: 'n', isOwner: true }],
  lastValue: '7',
  isCalled: true,
  type: 'bigint',
  start: '1',
  increment: '1',
  min: '1',
  max: '9',
  cache: '1',
  cycles: false,
};

const RECORDS: readonly TestRecord[] = [
  { key: Buffer.from('key'), value: Buffer.from('value'), headers: [] },
  {
    key: null,
    value: Buffer.alloc(300, 'abc'),
    headers: [
      ['rowcast', Buffer.from('01010000000000002a0000000000070000000000030000000100', 'hex').subarray(0, 25)],
      ['rowcast.exact', Buffer.from([1, 1, 0, 2, 3, 0x4e, 0x61, 0x4e, 0, 1, 0])],
    ],
  },
  { key: Buffer.alloc(0), value: null, headers: [['other', Buffer.alloc(0)]] },
];

const CODECS: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export const LOG_TARGETS: readonly Target[] = [
  {
    name: 'record-batches',
    reads: 'record batches as brokers and files have them, with every codec',
    corpus: () =>
      CODECS.flatMap((type) => {
        const { batches } = recordSet([...RECORDS, ...RECORDS, ...RECORDS], 1_000_000, compressionOf(type));
        return [Buffer.concat([...batches, ...recordSet(RECORDS).batches].map(({ bytes }) => bytes))];
      }),
    run: readRecords,
    // What records become is bounded by itself, and no more than two times there: blocks, and all of them together.
    mostBytes: (size) => 24 * 1024 * 1024 + 2 * MAX_RECORDS_BYTES + 64 * size,
  },
  {
    name: 'control-records',
    reads: 'control records: tables, truncates, DDL, sequences',
    json: { prefix: 1 },
    corpus: () => [
      ...goldenValues(TOPIC),
      encodeControl({ kind: 'table', table: ORDERS }),
      encodeControl({ kind: 'truncate', tables: [ORDERS], cascade: true, restartIdentity: false }),
      encodeControl({ kind: 'snapshot-begin', tables: [ORDERS] }),
      encodeControl({
        kind: 'ddl',
        ddl: { id: 1, tag: 'ALTER TABLE', session: { search_path: 'public' }, changes: [] },
      }),
      encodeControl({ kind: 'ddl', ddl: DDL }),
      encodeControl({ kind: 'sequences', sequences: [SEQUENCE] }),
    ],
    run: (input) => {
      decodeTable(input, TOPIC);
      const control = decodeControl(input, TOPIC, (version) => {
        if (Number.isSafeInteger(version)) return ORDERS;
        throw new OperatorError('There is no such version');
      });
      walk(control);
    },
  },
  {
    name: 'checkpoints',
    reads: 'claims, checkpoints and acceptances, and which of them count',
    json: { prefix: 1 },
    corpus: () => [
      ...goldenValues('shop.checkpoints'),
      ...goldenValues('shop.checkpoints', 'v2'),
      ...madeCheckpoints(),
    ],
    run: (input) => {
      const counter = new CheckpointCounter();
      const own = decodeLedgerRecord(madeCheckpoints()[0] as Buffer, 'shop.checkpoints');
      for (const [offset, record] of [own, decodeLedgerRecord(input, 'shop.checkpoints')].entries()) {
        if (record !== undefined) counter.feed(offset, record);
      }
    },
  },
];

/** What others do with a control: they go through all of it. */
function walk(control: Control): void {
  if (control.kind === 'table') walkTable(control.table);
  else if (control.kind === 'sequences') {
    for (const { columns, ...rest } of control.sequences) for (const { table: name } of columns) name.concat(rest.name);
  } else if (control.kind === 'ddl') {
    for (const { before, after } of control.ddl.changes) {
      const object = (after ?? before) as DdlObject;
      ddlObjectName(object);
      if (object.kind !== 'table') continue;
      walkTable(object.table);
      for (const { name } of [...object.constraints, ...object.indexes]) name.concat();
    }
  }
}

function walkTable({ columns, key, computed = [] }: TableSchema): void {
  for (const { name, type } of [...columns, ...computed]) name.concat(type.name, type.base, type.declared);
  for (const ordinal of key) (columns[ordinal] as Column).name.concat();
}

function readRecords(input: Buffer): void {
  for (const { start, end, count } of readBatches(input)) void (end - start + count);
  const reader = new RecordReader(input);
  const exact = new ExactReader();
  while (reader.next()) {
    const { bytes } = reader;
    within(reader.keyStart, reader.keyEnd, bytes);
    within(reader.valueStart, reader.valueEnd, bytes);
    if (reader.findHeader(HEADER)) {
      refuseNewerHeader(bytes, reader.headerStart, reader.headerEnd, 't/0@0');
      if (isHeader(bytes, reader.headerStart, reader.headerEnd)) {
        headerClaim(bytes, reader.headerStart);
        headerIndex(bytes, reader.headerStart);
      }
    }
    if (!reader.findHeader(EXACT_HEADER)) continue;
    within(reader.headerStart, reader.headerEnd, bytes);
    exact.open(bytes, reader.headerStart, reader.headerEnd);
    while (exact.next()) if (exact.kind === ExactKind.text) within(exact.textStart, exact.textEnd, bytes);
  }
}

/** What is told of lies in the bytes. */
function within(start: number, end: number, bytes: Buffer): void {
  if (start === -1 && end === -1) return;
  if (start < 0 || start > end || end > bytes.length)
    throw new TypeError(`A part lies at ${start} to ${end} of ${bytes.length}`);
}

function madeCheckpoints(): readonly Buffer[] {
  return encodeLedgerRecord({
    kind: 'checkpoint',
    logId: 'log',
    nonce: 'n',
    claim: 1,
    number: 2,
    previous: { offset: 4, claim: 1, position: '0000000000000001' },
    position: '0000000000000002',
    spans: [{ topic: 'a', partition: 0, base: 7, count: 2 }],
    topicIds: { a: 'id-a' },
    committedAt: 5,
    consistent: true,
  });
}
