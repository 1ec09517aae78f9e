import { Op } from '../../change/batch.ts';
import type { RowView } from '../../converter/avro/view.ts';

/** What a record says, in a word. */
export type RecordKind =
  | 'insert'
  | 'update'
  | 'delete'
  | 'read'
  | 'old key'
  | 'new key'
  | 'tombstone'
  | 'event'
  | 'record';

/** One record of a topic, for people and programs. */
export interface RecordView {
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly kind: RecordKind;
  /** Columns of the key; text where it is no Avro. */
  readonly key: RowView | string | null;
  readonly before?: RowView;
  readonly after?: RowView;
  /** The value's text, where it is no change of a row. */
  readonly value?: string;
  /** Why the record could not be read further. */
  readonly problem?: string;
}

const KINDS: ReadonlyMap<Op, RecordKind> = new Map([
  [Op.insert, 'insert'],
  [Op.update, 'update'],
  [Op.delete, 'delete'],
  [Op.read, 'read'],
]);

export function kindOf(op: Op): RecordKind {
  return KINDS.get(op) ?? 'record';
}
