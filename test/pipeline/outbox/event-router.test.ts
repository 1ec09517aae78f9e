import { describe, expect, test } from 'vitest';
import { Batch, type Control, Op } from '../../../src/change/batch.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import type { Append } from '../../../src/log/log.ts';
import { HEADER, headerIndex, headerOp, headerPart, Part } from '../../../src/log/protocol/header.ts';
import { RecordReader } from '../../../src/log/record-reader.ts';
import { BatchEncoder } from '../../../src/pipeline/encode-batch.ts';
import { EventRouter } from '../../../src/pipeline/outbox/event-router.ts';
import type { OutboxSettings } from '../../../src/pipeline/outbox/outbox-settings.ts';
import { murmur2 } from '../../../src/pipeline/partition.ts';
import { OUTBOX as OUTBOX_SETTINGS } from './outbox-world.ts';
import { addRow, avroConverter, type Cell, column, memoryStore, table, TRANSACTION } from '../../converter/fixture.ts';

const COLUMNS = ['id', 'aggregatetype', 'aggregateid', 'type'].map((name) => column(name, 'text'));
const OUTBOX = table([...COLUMNS, column('payload', 'jsonb')], { name: 'outbox' });
const ORDERS = table([column('id', 'int4')], { relationId: 2, version: 2 });
const { signal } = new AbortController();

const DEFAULTS: OutboxSettings = { ...OUTBOX_SETTINGS, headers: [{ column: 'type', header: 'type', optional: true }] };

interface Written {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly id: string | undefined;
  readonly type: string | undefined;
  readonly index: number;
  readonly op: Op;
  readonly part: Part;
}

interface World {
  readonly encoder: BatchEncoder;
  readonly told: string[];
  readonly asked: (readonly string[])[];
}

function world(settings: Partial<OutboxSettings> = {}, partitions = 1): World {
  const told: string[] = [];
  const asked: (readonly string[])[] = [];
  const router = new EventRouter({ ...DEFAULTS, ...settings }, (level, message) => told.push(`${level}: ${message}`));
  const encoder = new BatchEncoder({
    prefix: 'srv',
    converter: avroConverter(memoryStore()),
    tombstones: true,
    now: () => 0,
    topicsFor: async (tables) => tables.map(({ name }) => ({ name: `srv.public.${name}`, partitions: 1 })),
    recordBatchBytes: 10_000,
    events: {
      router,
      topicsFor: async (names) => {
        asked.push(names);
        return names.map((name) => ({ name, partitions }));
      },
    },
  });
  encoder.beginInterval(3, 0);
  return { encoder, told, asked };
}

async function send(
  { encoder }: World,
  fill: (batch: Batch) => void,
  outbox: TableSchema = OUTBOX,
): Promise<Written[]> {
  const batch = new Batch();
  batch.tables.push(outbox, ORDERS);
  batch.transactions.push(TRANSACTION);
  fill(batch);
  await encoder.prepare(batch, signal);
  return encoder.encode(batch).flatMap(read);
}

function read({ topic, partition, records }: Append): Written[] {
  const written: Written[] = [];
  const reader = new RecordReader(Buffer.concat(records.batches.map(({ bytes }) => bytes)));
  const header = (name: string): string | undefined =>
    reader.findHeader(Buffer.from(name))
      ? reader.bytes.toString('utf8', reader.headerStart, reader.headerEnd)
      : undefined;
  while (reader.next()) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = reader;
    const [id, type] = [header('id'), header('type')];
    expect(reader.findHeader(HEADER)).toBe(true);
    const at = reader.headerStart;
    written.push({
      topic,
      partition,
      key: keyStart < 0 ? null : bytes.toString('utf8', keyStart, keyEnd),
      value: valueStart < 0 ? null : bytes.toString('utf8', valueStart, valueEnd),
      id,
      type,
      index: headerIndex(bytes, at),
      op: headerOp(bytes, at),
      part: headerPart(bytes, at),
    });
  }
  return written;
}

const announce =
  (...tables: readonly TableSchema[]) =>
  (batch: Batch): void => {
    for (const each of tables) batch.addControl({ kind: 'table', table: each }, 0, 0);
  };

const insert =
  (...rows: readonly (readonly Cell[])[]) =>
  (batch: Batch): void => {
    for (const row of rows) batch.addChange(Op.insert, 0, 0, 0, -1, addRow(batch, [...row]));
  };

async function announced(settings: Partial<OutboxSettings> = {}, partitions = 1): Promise<World> {
  const made = world(settings, partitions);
  await send(made, announce(OUTBOX));
  return made;
}

describe('a row of an outbox', () => {
  test('is an event: topic by aggregatetype, key, payload as it is, id and type in headers', async () => {
    const made = await announced();
    const written = await send(
      made,
      insert(['e1', 'order', '42', 'Placed', '{"a": "ü"}'], ['e2', 'customer', '7', 'Left', '[]']),
    );
    expect(written).toEqual([
      {
        topic: 'outbox.event.order',
        partition: 0,
        key: '42',
        value: '{"a": "ü"}',
        id: 'e1',
        type: 'Placed',
        index: 0,
        op: Op.insert,
        part: Part.event,
      },
      {
        topic: 'outbox.event.customer',
        partition: 0,
        key: '7',
        value: '[]',
        id: 'e2',
        type: 'Left',
        index: 1,
        op: Op.insert,
        part: Part.event,
      },
    ]);
    expect(made.asked).toEqual([['outbox.event.order', 'outbox.event.customer']]);
  });

  test('that was copied is one too', async () => {
    const made = await announced();
    const copied = (batch: Batch): void =>
      void batch.addChange(Op.read, 0, 0, 0, -1, addRow(batch, ['e1', 'order', '42', null, '1']));
    expect(await send(made, copied)).toMatchObject([{ key: '42', op: Op.read, type: undefined }]);
  });

  test('may have no key, no payload and no id', async () => {
    const [event] = await send(await announced(), insert([null, 'order', null, null, null]));
    expect(event).toMatchObject({
      topic: 'outbox.event.order',
      key: null,
      value: null,
      id: undefined,
      type: undefined,
    });
  });

  test('with an empty payload has no value if that is asked for', async () => {
    const rows = insert(['e1', 'order', '1', 'x', ''], ['e2', 'order', '1', 'x', '1']);
    expect((await send(await announced(), rows)).map(({ value }) => value)).toEqual(['', '1']);
    expect((await send(await announced({ tombstoneOnEmpty: true }), rows)).map(({ value }) => value)).toEqual([
      null,
      '1',
    ]);
  });

  test('carries the bytes of a bytea', async () => {
    const outbox = table([...COLUMNS, column('payload', 'bytea')], { name: 'outbox' });
    const made = world({ tombstoneOnEmpty: true });
    await send(made, announce(outbox));
    const written = await send(made, insert(['e1', 'o', '1', 'x', '\\xc3bc41'], ['e2', 'o', '1', 'x', '\\x']), outbox);
    expect(written.map(({ value }) => value)).toEqual(['üA', null]);
  });

  test("goes to the partition that Java's producer chooses for its key", async () => {
    const made = await announced({}, 7);
    const keys = ['a', '42', 'a longer key', 'ü'];
    const written = await send(
      made,
      insert(...keys.map((key) => ['e', 'order', key, 'x', '1']), ['e', 'order', null, 'x', '1']),
    );
    const partition = new Map(written.map(({ key, partition: found }) => [key, found]));
    for (const key of keys) {
      const bytes = Buffer.from(key);
      expect(partition.get(key)).toBe((murmur2(bytes, 0, bytes.length) & 0x7fffffff) % 7);
    }
    expect(partition.get(null)).toBe(0);
    expect(new Set(partition.values()).size).toBeGreaterThan(1);
  });

  test('has headers of further columns, and one that is NULL has none', async () => {
    const headers = [
      { column: 'type', header: 'type', optional: false },
      { column: 'nothing', header: 'x', optional: true },
    ];
    const written = await send(await announced({ headers }), insert(['e1', 'order', '1', null, '1']));
    expect(written).toMatchObject([{ id: 'e1', type: undefined }]);
  });
});

describe('changes that are no events', () => {
  const changes = (batch: Batch): void => {
    const row = (): number => addRow(batch, ['e1', 'order', '42', 'x', '{}']);
    batch.addChange(Op.delete, 0, 0, 0, row(), -1);
    batch.addChange(Op.update, 0, 0, 0, -1, row());
    batch.addChange(Op.keyChange, 0, 0, 0, row(), row());
    batch.addChange(Op.insert, 0, 0, 0, -1, row());
  };

  test('are left out, deletes without a word, and take no index', async () => {
    const made = await announced();
    expect(await send(made, changes)).toMatchObject([{ index: 0, id: 'e1' }]);
    expect(made.told).toEqual([
      'warn: left out 2 rows: a row of outbox public.outbox was updated: an outbox takes inserts only',
    ]);
  });

  test('are told of as errors, or stop the source, if that is asked for', async () => {
    const made = await announced({ onInvalidOp: 'error' });
    await send(made, changes);
    expect(made.told).toEqual([
      'error: left out 2 rows: a row of outbox public.outbox was updated: an outbox takes inserts only',
    ]);
    await expect(send(await announced({ onInvalidOp: 'fatal' }), changes)).rejects.toThrow(
      /^A row of outbox public\.outbox was updated: an outbox takes inserts only \(of transaction 771:\d+\)$/,
    );
  });
});

describe('a row without a topic', () => {
  const BARE = [{ group: 'routedByValue' }] as const;

  test.each([
    [{}, null, 'its aggregatetype is NULL'],
    [{ topicRegex: '(?<routedByValue>[a-z]+)' }, 'Order 1', 'does not match route.topic.regex'],
    [{ topicParts: BARE }, '', 'gives no name of a topic'],
    [{ topicParts: BARE }, '..', 'gives no name of a topic'],
    [{}, 'x'.repeat(250), 'gives a name that is too long'],
    [{ topicParts: BARE }, 'srv.checkpoints', 'a topic that is not for events'],
    [{ topicParts: BARE }, 'other.schema-changes', 'a topic that is not for events'],
    [{ topicParts: BARE }, '_rowcast_schemas', 'a topic that is not for events'],
    [{ topicParts: BARE }, '__consumer_offsets', 'a topic that is not for events'],
    [{ topicParts: BARE, reserved: ['commands'] }, 'commands', 'a topic that is not for events'],
  ])('stops the source, which does not say its value (%o, %s)', async (settings, routedBy, says) => {
    const made = await announced(settings);
    const failed = send(made, insert(['e1', routedBy, '42', 'x', '1']));
    await expect(failed).rejects.toThrow(says);
    if (routedBy) await expect(failed).rejects.not.toThrow(routedBy);
  });

  test('is left out if that is asked for, and the others go on', async () => {
    const made = await announced({ onInvalidRow: 'warn' });
    const written = await send(made, insert(['e1', null, '1', 'x', '1'], ['e2', 'order', '1', 'x', '1']));
    expect(written).toMatchObject([{ id: 'e2', index: 0 }]);
    expect(made.told).toEqual([
      'warn: left out 1 row: a row of outbox public.outbox has no topic: its aggregatetype is NULL',
    ]);
  });

  test('never comes into the topic of a captured table', async () => {
    const made = world({ topicParts: BARE });
    await send(made, announce(OUTBOX, ORDERS));
    await expect(send(made, insert(['e1', 'srv.public.orders', '1', 'x', '1']))).rejects.toThrow(
      'the topic of a captured table',
    );
    const late = world({ topicParts: BARE });
    await send(late, announce(OUTBOX));
    await send(late, insert(['e1', 'srv.public.orders', '1', 'x', '1']));
    await expect(send(late, announce(ORDERS))).rejects.toThrow('Topic srv.public.orders has events of an outbox');
  });

  test('characters that Kafka does not allow become underscores', async () => {
    const [event] = await send(await announced(), insert(['e1', 'a b/ü', '1', 'x', '1']));
    expect(event?.topic).toBe('outbox.event.a_b__');
  });
});

test('groups of the expression make the topic', async () => {
  const settings = { topicRegex: '(.*)-(?<kind>.+)', topicParts: [{ group: 'kind' }, { text: '.of.' }, { group: 1 }] };
  const [event] = await send(await announced(settings), insert(['e1', 'shop-order', '1', 'x', '1']));
  expect(event?.topic).toBe('order.of.shop');
});

test('other tables go on as before, and nobody hears of the outbox', async () => {
  const made = world();
  const controls: readonly Control[] = [
    { kind: 'snapshot-begin', tables: [OUTBOX] },
    { kind: 'truncate', tables: [OUTBOX, ORDERS], cascade: false, restartIdentity: false },
  ];
  const written = await send(made, (batch) => {
    announce(OUTBOX, ORDERS)(batch);
    for (const control of controls) batch.addControl(control, 0, 0);
    insert(['e1', 'order', '42', 'x', '1'])(batch);
    batch.addChange(Op.insert, 1, 0, 0, -1, addRow(batch, ['1']));
  });
  const parts = written.map(({ topic, index, part }) => [topic, index, part]);
  expect(parts).toEqual([
    ['srv.schema-changes', 0, Part.whole],
    ['srv.schema-changes', 1, Part.whole],
    ['srv.public.orders', 3, Part.whole],
    ['outbox.event.order', 2, Part.event],
  ]);
  expect(
    written
      .slice(0, 2)
      .map(({ value }) => value)
      .join(),
  ).not.toContain('outbox');
});

test('a table that lacks a column of an outbox is refused by name', async () => {
  const made = world({ isOutbox: () => true });
  await expect(send(made, announce(ORDERS))).rejects.toThrow(
    'Table public.orders is taken for an outbox, but it has no column "aggregateid"',
  );
});
