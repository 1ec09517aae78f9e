import type { RowView } from '../converter/avro/view.ts';
import type { RecordView } from '../worker/tail/record-view.ts';

const LONGEST_VALUE = 60;

/** A record in one line: time, what happened, and the row; of an update what has changed, where the old row is known. */
export function recordLine(record: RecordView): string {
  const time = new Date(record.timestamp).toISOString().slice(11, 23);
  const place = `${record.partition}:${record.offset}`;
  return `${time}  ${place.padEnd(9)}  ${record.kind.padEnd(9)}  ${contentOf(record)}`.trimEnd();
}

function contentOf({ key, before, after, value, problem }: RecordView): string {
  if (problem !== undefined) return `${keyText(key)}  cannot be read: ${problem}`.trimStart();
  if (value !== undefined) return `${keyText(key)}  ${short(value)}`.trimStart();
  if (after !== undefined && before !== undefined && key !== null) return `${keyText(key)}  ${changes(before, after)}`;
  if (after !== undefined) return rowText(after);
  if (before === undefined) return keyText(key);
  // A row of which only the key is known has NULL everywhere else.
  return key === null ? rowText(before) : keyText(key);
}

function keyText(key: RecordView['key']): string {
  if (key === null) return '';
  return typeof key === 'string' ? key : rowText(key);
}

function rowText(row: RowView): string {
  return Object.entries(row)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(' ');
}

function changes(before: RowView, after: RowView): string {
  const changed = Object.entries(after).filter(([name, value]) => before[name] !== value);
  return changed.map(([name, value]) => `${name}: ${valueText(before[name])} -> ${valueText(value)}`).join(', ');
}

function valueText(value: string | null | undefined): string {
  if (value === undefined) return '?';
  if (value === null) return 'NULL';
  return /^[\w.+:-]+$/.test(value) ? short(value) : `'${short(value)}'`;
}

/** On one line, and no longer than a person reads. */
function short(text: string): string {
  const line = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line;
}
