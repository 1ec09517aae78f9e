import type { Cursor, Fetched, Log } from '../../../src/log/log.ts';
import { readBatches } from '../../../src/log/record-reader.ts';
import { setBaseOffset } from '../../../src/log/record-set.ts';
import { readRecords, recordSet, type TestRecord } from '../../log/records.ts';

/** Every header that a record of Rowcast can have. */
const HEADERS = ['rowcast', 'rowcast.exact', '__debezium.newkey', '__debezium.oldkey'];

/** One record as a reader is to find it, in place of what is stored. */
export interface Edit {
  readonly topic: string;
  readonly offset: number;
  readonly record: (stored: TestRecord) => TestRecord;
}

/** The log with one record changed for whoever reads it: what is stored stays as it is. */
export function editedLog(log: Log, edit: Edit): Log {
  const read = async (...given: Parameters<Log['read']>): Promise<readonly Fetched[]> =>
    (await log.read(...given)).map((fetched) =>
      fetched.topic === edit.topic ? { ...fetched, bytes: edited(fetched.bytes, edit) } : fetched,
    );
  return new Proxy(log, {
    get(target, name) {
      if (name === 'read') return read;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function edited(bytes: Buffer, { offset, record }: Edit): Buffer {
  const batches = [...readBatches(bytes)].map(({ start, end, base, count }) => {
    const batch = bytes.subarray(start, end);
    if (offset < base || offset >= base + count) return batch;
    const records = readRecords(batch, HEADERS).map((each) => (each.offset === offset ? record(each) : each));
    const [made] = recordSet(records, Number.MAX_SAFE_INTEGER).batches;
    const copy = Buffer.from(made?.bytes ?? Buffer.alloc(0));
    setBaseOffset(copy, base);
    return copy;
  });
  return Buffer.concat(batches);
}

/** The record at `cursor`, which is there. */
export async function recordAt(log: Log, cursor: Cursor): Promise<TestRecord> {
  const [fetched] = await log.read([cursor], 1, 30_000, new AbortController().signal);
  const found = readRecords(fetched?.bytes ?? Buffer.alloc(0), HEADERS).find(({ offset }) => offset === cursor.offset);
  if (found === undefined) throw new Error(`Nothing is at ${cursor.topic}/${cursor.partition}@${cursor.offset}`);
  return found;
}
