import { expect, test } from 'vitest';
import { Batch } from '../../../src/change/batch.ts';
import { lsnToPosition } from '../../../src/postgres/lsn.ts';
import { Assembler } from '../../../src/source/wal/assembler.ts';
import { decodeMessage, type RelationMessage } from '../../../src/source/wal/decoder.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { describeRelation, typeKey } from '../../../src/source/wal/relation.ts';
import * as message from './pgoutput-bytes.ts';
import { changesOf } from './wal-fixture.ts';

const RELATION: RelationMessage = {
  relationId: 1,
  schema: 'public',
  name: 't',
  identity: 'd',
  columns: [{ name: 'id', isKey: true, typeId: 23, modifier: -1 }],
};
const INT4 = {
  oid: 23,
  name: 'pg_catalog.int4',
  declared: 'integer',
  modifier: -1,
  kind: 'base',
  base: 'pg_catalog.int4',
  baseModifier: -1,
} as const;
const lists = {
  schemaInclude: [],
  schemaExclude: [],
  tableInclude: [],
  tableExclude: [],
  columnInclude: [],
  columnExclude: [],
};

/** An assembler that is fed with bytes, and what comes of it. */
function assembling(from: number, maxBytes = 1_000_000) {
  const full: Batch[] = [];
  const idle: number[] = [];
  const assembler: Assembler = new Assembler(
    {
      relation: (relation) =>
        assembler.setRelation(
          describeRelation(relation, undefined, new Map([[typeKey(23, -1), INT4]]), undefined, compileFilter(lists)),
        ),
      full: (batch) => full.push(batch),
      idle: (lsn) => idle.push(lsn),
      newBatch: () => new Batch(),
    },
    from,
    maxBytes,
    { last: 0 },
  );
  const feed = (...messages: Buffer[]): void => {
    for (const bytes of messages) decodeMessage(bytes, 0, bytes.length, assembler);
  };
  return { assembler, full, idle, feed };
}

const transaction = (commitLsn: number, end: number, ...ids: string[]): Buffer[] => [
  message.begin(commitLsn, 0, commitLsn),
  ...ids.map((id) => message.insert(1, [id])),
  message.commit(commitLsn, end),
];
const ids = (batch: Batch | undefined): unknown =>
  batch && changesOf(batch).flatMap(({ after }) => (after ? [after['id']] : []));

test('drops a transaction if and only if its commit LSN is below the start', () => {
  const { assembler, feed } = assembling(200);
  feed(...transaction(150, 199, '1').toSpliced(1, 0, message.relation(RELATION)), ...transaction(199, 200, '2'));
  expect(assembler.take()).toBeUndefined();
  // Its commit record begins where the one before ended (A2). The relation that came with a dropped one still holds.
  feed(...transaction(200, 230, '3'));
  const batch = assembler.take();
  expect([ids(batch), batch?.position]).toEqual([['3'], lsnToPosition(230)]);
});

test('gives a batch a position only when it ends between transactions', () => {
  const { assembler, feed } = assembling(0);
  feed(...transaction(10, 20, '1').toSpliced(1, 0, message.relation(RELATION)), message.begin(30, 0, 2));
  // Nothing of the open transaction is in the batch yet.
  expect(assembler.take()?.position).toBe(lsnToPosition(20));
  feed(message.insert(1, ['2']));
  expect(assembler.take()).toBeUndefined();
  feed(message.commit(30, 40));
  const batch = assembler.take();
  expect([ids(batch), batch?.position, batch?.transactions.map(({ xid }) => xid)]).toEqual([
    ['2'],
    lsnToPosition(40),
    [2],
  ]);
});

test('cuts at the end of a transaction from half the limit on, and anywhere at the limit', () => {
  const { assembler, feed, full } = assembling(0, 1000);
  feed(...transaction(10, 20, ...'123456'.split('')).toSpliced(1, 0, message.relation(RELATION)));
  expect(full).toHaveLength(0);
  feed(...transaction(30, 40, ...'123456'.split('')));
  expect(full.map(({ position }) => position)).toEqual([lsnToPosition(40)]);
  // Whatever the number of rows, the batch that the commit closes has rows and the position.
  for (let rows = 1; rows < 80; rows++) {
    full.length = 0;
    const end = 1000 * rows + 60;
    feed(...transaction(end - 10, end, ...'x'.repeat(rows).split('')));
    const batches = [...full, assembler.take()].filter((batch) => batch !== undefined);
    const told = batches.map(({ position }) => position);
    expect(told).toEqual([...told.slice(1).map(() => undefined), lsnToPosition(end)]);
    expect(batches.every(({ transactions }) => transactions.length === 1)).toBe(true);
    expect(batches.flatMap(ids)).toHaveLength(rows);
  }
  expect(full.length).toBeGreaterThan(1);
});

test('tells of transactions without changes as of an idle source', () => {
  const { assembler, feed, idle } = assembling(0);
  feed(...transaction(10, 20));
  expect([assembler.take(), idle]).toEqual([undefined, [20]]);
});

test('follows columns that are not captured wherever they move, without a new version', () => {
  const filter = compileFilter({ ...lists, columnExclude: ['public\\.t\\.secret.*'] });
  const types = new Map([[typeKey(23, -1), INT4]]);
  const controls: unknown[] = [];
  const rows: unknown[] = [];
  const assembler: Assembler = new Assembler(
    {
      relation: (relation) => {
        const previous = assembler.tableOf(relation.relationId);
        assembler.setRelation(describeRelation(relation, undefined, types, previous, filter));
      },
      full: () => undefined,
      idle: () => undefined,
      newBatch: () => new Batch(),
    },
    0,
    1_000_000,
    { last: 0 },
  );
  const shapes = [
    ['id', 'secret', 'b'],
    ['id', 'b', 'secret2'],
    ['id', 'b'],
    ['secret0', 'id', 'secret', 'b'],
  ];
  for (const [i, names] of shapes.entries()) {
    const columns = names.map((name) => ({ name, isKey: name === 'id', typeId: 23, modifier: -1 }));
    const messages = [
      message.begin(100 * i, 0, i),
      message.relation({ ...RELATION, columns }),
      message.insert(
        1,
        names.map((name) => `${name} ${i}`),
      ),
      message.commit(100 * i, 100 * i + 50),
    ];
    for (const bytes of messages) decodeMessage(bytes, 0, bytes.length, assembler);
    for (const { control, after } of changesOf(assembler.take() as Batch)) (control ? controls : rows).push(after);
  }
  expect(rows).toEqual(shapes.map((_, i) => ({ id: `id ${i}`, b: `b ${i}` })));
  expect(controls).toHaveLength(1);
});

test('refuses a stream that contradicts itself', () => {
  const { feed } = assembling(0);
  expect(() => feed(message.insert(1, ['1']))).toThrow('outside of a transaction');
  feed(...transaction(10, 90));
  expect(() => feed(...transaction(20, 80))).toThrow('after one that ended at');
  expect(() => feed(message.begin(100, 0, 1), message.insert(1, ['1']))).toThrow('before describing it');
  expect(() => feed(message.begin(110, 0, 1))).toThrow('inside another one');
  expect(() => feed(message.commit(111, 120))).toThrow('another transaction');
});
