import { Batch, Op } from '../../../src/change/batch.ts';
import { RecordSetWriter } from '../../../src/log/record-set.ts';
import { EventRouter } from '../../../src/pipeline/outbox/event-router.ts';
import { beginEvent, eventPartition } from '../../../src/pipeline/outbox/event-writer.ts';
import { readRecords } from '../../log/records.ts';
import { column, table, TRANSACTION } from '../../converter/fixture.ts';
import { OUTBOX } from '../../pipeline/outbox/outbox-world.ts';
import type { Target } from '../target.ts';

const NAMES = ['id', 'aggregatetype', 'aggregateid', 'type'].map((name) => column(name, 'text'));
/** Payloads are JSON or bytes. */
const TABLES = ['jsonb', 'bytea'].map((type, i) =>
  table([...NAMES, column('payload', type)], { name: 'outbox', relationId: i + 1 }),
);

export const OUTBOX_TARGETS: readonly Target[] = [
  {
    name: 'outbox-events',
    reads: 'rows of an outbox, whose topics, keys and payloads applications choose',
    // Cells end with a zero byte, an empty one is NULL.
    corpus: () =>
      ['\0aorder\0o-1\0created\0{"a":1}', '\x01b\0cust/omer\0\0\0\\x00ff', '\x01c\0..\0k\0t\0\\x'].map((text) =>
        Buffer.from(text),
      ),
    run: (input) => {
      const router = new EventRouter(OUTBOX, () => undefined);
      const outbox = TABLES[(input[0] ?? 0) % TABLES.length] as (typeof TABLES)[number];
      router.announce(outbox);
      const batch = new Batch(1, 8, 64);
      batch.transactions.push(TRANSACTION);
      batch.tables.push(outbox);
      addCells(batch, input.subarray(1), outbox.columns.length);
      batch.addChange(Op.insert, 0, 0, 1, -1, 0);
      router.topicsOf(batch);
      const event = router.eventOf(batch, 0);
      if (event === undefined) return;
      eventPartition(batch, event, 7);
      const writer = new RecordSetWriter(() => 0);
      beginEvent(writer, batch, event, 0);
      writer.endRecord();
      for (const { bytes } of writer.finish().batches) readRecords(bytes, ['id', 'type']);
    },
  },
];

function addCells(batch: Batch, input: Buffer, count: number): void {
  let at = 0;
  for (let cell = 0; cell < count; cell++) {
    const zero = input.indexOf(0, at);
    const end = cell === count - 1 || zero < 0 ? input.length : zero;
    if (end <= at) batch.addNulls(1);
    else batch.copyCell(input, at, end);
    at = Math.min(input.length, end + 1);
  }
}
