import type { Batch } from '../../change/batch.ts';
import type { RecordSetWriter } from '../../log/record-set.ts';
import { murmur2 } from '../partition.ts';
import { contentOf, isNull, writeContent } from './event-columns.ts';
import type { RoutedEvent } from './event-router.ts';

/** The partition of an event: where Java's producers put the same key. Events without key go to partition 0. */
export function eventPartition(batch: Batch, { row, columns: { key } }: RoutedEvent, partitions: number): number {
  if (partitions === 1 || isNull(batch, row, key)) return 0;
  const { bytes, start, end } = contentOf(batch, row, key);
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitions;
}

/** Begins an event's record: key, value and its own headers. `more` headers and the record's end follow. */
export function beginEvent(writer: RecordSetWriter, batch: Batch, event: RoutedEvent, more: number): void {
  const { row, columns, hasValue } = event;
  writer.beginRecord();
  if (isNull(batch, row, columns.key)) writer.nullKey();
  else {
    writeContent(batch, row, columns.key, writer.beginKey());
    writer.endKey();
  }
  if (hasValue) {
    writeContent(batch, row, columns.payload, writer.beginValue());
    writer.endValue();
  } else writer.nullValue();
  const present = columns.headers.filter(({ column }) => !isNull(batch, row, column));
  writer.headers(present.length + more);
  for (const { name, column } of present) {
    const { bytes, start, end } = contentOf(batch, row, column);
    writer.header(name, bytes, start, end);
  }
}
