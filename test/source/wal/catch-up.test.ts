import { expect, test } from 'vitest';
import { Batch, type Control, Op, UNCHANGED } from '../../../src/change/batch.ts';
import type { CopyState } from '../../../src/change/copy-state.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import { lsnToPosition } from '../../../src/postgres/lsn.ts';
import { VoidCopyError } from '../../../src/source/source.ts';
import { catchUp, type Complete } from '../../../src/source/wal/catch-up.ts';
import { visibleIn } from '../../../src/source/wal/visibility.ts';

const { signal } = new AbortController();
const KEYED = { relationId: 1, name: 'keyed', columns: [{}, {}], key: [0] } as unknown as TableSchema;
const KEYLESS = { relationId: 2, name: 'keyless', columns: [{}, {}], key: [] } as unknown as TableSchema;

function stateAt(point: number, more: Partial<CopyState> = {}): CopyState {
  const position = lsnToPosition(point);
  return { fingerprint: 'f', point: position, begun: 2, tables: 2, open: [], newer: [], rows: 9, ...more };
}

/** A batch of one transaction per commit LSN, each with one change; its position is `end`. */
function batchOf(
  end: number | undefined,
  ...changes: { lsn: number; op: Op; table?: TableSchema; lacks?: boolean }[]
): Batch {
  const batch = new Batch();
  for (const { lsn, op, table = KEYED, lacks = false } of changes) {
    const slot = batch.tables.push(table) - 1;
    const transaction = batch.transactions.push({ xid: lsn, commitLsn: lsn, commitTimeUs: 0 }) - 1;
    const row = batch.cellCount;
    batch.addCell(0, 0);
    batch.addCell(0, lacks ? UNCHANGED : 0);
    batch.addChange(op, slot, transaction, lsn, row, row);
  }
  batch.position = end === undefined ? undefined : lsnToPosition(end);
  return batch;
}

async function run(
  batches: Batch[],
  state: CopyState,
  complete: Complete = async () => 0,
  isEnough = false,
): Promise<Batch[]> {
  const seen: Batch[] = [];
  async function* all(): AsyncGenerator<Batch> {
    yield* batches;
  }
  for await (const batch of catchUp(all(), state, complete, isEnough, signal)) seen.push(batch);
  return seen;
}

const shown = (batch: Batch): unknown[] => [batch.length, batch.position, batch.consistent, batch.copy?.point];

test('nothing is consistent below the point, and an empty batch says it as soon as the point is reached', async () => {
  const insert = (lsn: number): Batch => batchOf(lsn + 5, { lsn, op: Op.insert });
  const seen = await run(
    [insert(110), batchOf(undefined, { lsn: 150, op: Op.insert }), insert(195), insert(210)],
    stateAt(200),
  );
  const point = lsnToPosition(200);
  expect(seen.map(shown)).toEqual([
    [1, lsnToPosition(115), false, point],
    [1, undefined, false, point],
    [1, lsnToPosition(200), false, point],
    [0, lsnToPosition(200), true, undefined],
    [1, lsnToPosition(215), true, undefined],
  ]);
});

test('a keepalive at the point is enough, and ends what wants no more than the copy', async () => {
  const seen = await run([batchOf(150), batchOf(220), batchOf(230)], stateAt(200), undefined, true);
  expect(seen.map(shown)).toEqual([
    [0, lsnToPosition(150), false, lsnToPosition(200)],
    [0, lsnToPosition(220), true, undefined],
  ]);
});

test('a key change that lacks values is completed below the point, which moves up to where it was read', async () => {
  const asked: number[] = [];
  const complete: Complete = async (changes) => {
    asked.push(...changes.map(({ batch, change }) => batch.lsn[change] as number));
    return 300;
  };
  const moved = (lsn: number, lacks: boolean): Batch => batchOf(lsn + 5, { lsn, op: Op.keyChange, lacks });
  const seen = await run(
    [moved(150, false), moved(160, true), batchOf(250), batchOf(310), moved(320, true)],
    stateAt(200),
    complete,
  );
  expect(asked).toEqual([160]);
  expect(seen.map(({ consistent, copy }) => [consistent, copy?.point])).toEqual([
    [false, lsnToPosition(200)],
    [false, lsnToPosition(300)],
    [false, lsnToPosition(300)],
    [true, undefined],
    [true, undefined],
  ]);
});

test('a key change right behind the point is completed too when it may leave a key that was read as it is later', async () => {
  const asked: number[] = [];
  const complete: Complete = async (changes) => {
    asked.push(...changes.map(({ batch, change }) => batch.lsn[change] as number));
    return 300;
  };
  const moved = (lsn: number): { lsn: number; op: Op; lacks: boolean } => ({ lsn, op: Op.keyChange, lacks: true });
  await run([batchOf(205, moved(199), moved(200)), batchOf(310)], stateAt(200), complete);
  expect(asked).toEqual([199, 200]);
});

test('DDL that rows were read behind makes the copy void, and other DDL does not', async () => {
  const ddl = (lsn: number): Batch => {
    const batch = batchOf(lsn + 5, { lsn, op: Op.insert });
    batch.addControl({ kind: 'ddl', ddl: {} } as unknown as Control, 0, lsn);
    return batch;
  };
  const moved = batchOf(165, { lsn: 160, op: Op.keyChange, lacks: true });
  const complete: Complete = async () => 300;
  await expect(run([moved, ddl(250), ddl(310)], stateAt(200), complete)).rejects.toThrow(VoidCopyError);
  expect(await run([moved, batchOf(305), ddl(310)], stateAt(200), complete)).toHaveLength(3);
  expect(await run([ddl(190), ddl(250)], stateAt(200))).toHaveLength(3);
});

test('changes that a whole copy has seen are left out, those of other tables and later ones are not', async () => {
  const state = stateAt(200, { newer: [{ point: lsnToPosition(180), relations: [2] }] });
  const batch = batchOf(
    195,
    { lsn: 110, op: Op.insert, table: KEYLESS },
    { lsn: 120, op: Op.insert },
    { lsn: 179, op: Op.delete, table: KEYLESS },
    { lsn: 180, op: Op.update, table: KEYLESS },
  );
  const truncate: Control = { kind: 'truncate', tables: [KEYED, KEYLESS], cascade: false, restartIdentity: false };
  batch.addControl(truncate, 0, 110);
  const [seen] = await run([batch], state);
  expect([...(seen?.lsn.subarray(0, seen.length) ?? [])]).toEqual([120, 180, 110]);
  expect(seen?.controls).toEqual([{ ...truncate, tables: [KEYED] }]);
});

test('a batch of which nothing is left still carries the end of its transaction', async () => {
  const state = stateAt(200, { newer: [{ point: lsnToPosition(200), relations: [2] }] });
  const [seen] = await run([batchOf(115, { lsn: 110, op: Op.insert, table: KEYLESS })], state);
  expect([seen?.length, seen?.position, seen?.controls[0]]).toMatchObject([1, lsnToPosition(115), { tables: [] }]);
});

test.each([
  ['100:105:100,103', 99, true],
  ['100:105:100,103', 100, false],
  ['100:105:100,103', 101, true],
  ['100:105:100,103', 103, false],
  ['100:105:', 105, false],
  ['4294967290:4294967300:', 4, false], // 4294967300
  ['4294967290:4294967301:', 4, true],
  ['4294967290:4294967301:4294967300', 4, false],
  ['4294967290:4294967301:', 4294967295, true],
  ['4294967290:4294967294:', 2, false], // 4294967298: ahead of the snapshot's end, in the next epoch
])('snapshot %s shows transaction %d: %s', (snapshot, xid, expected) => {
  expect(visibleIn(snapshot)(xid)).toBe(expected);
});
