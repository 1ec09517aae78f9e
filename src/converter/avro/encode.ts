import type { Batch } from '../../change/batch.ts';
import { UNCHANGED } from '../../change/batch.ts';
import { ByteWriter } from '../../change/byte-writer.ts';
import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { RecordError } from '../../errors.ts';
import type { RowEncoder, WireOp } from '../converter.ts';
import { ExactSide } from '../exact.ts';
import type { EnvelopeWriter } from './envelope-writer.ts';
import { fieldsOf } from './field.ts';
import type { FieldModes } from './modes.ts';
import { RowWriter } from './row-writer.ts';

/**
 * The encoder of one table version: keys and values in Confluent's framing, with the ids under which the schemas of
 * `keySchema` and `valueSchema` are registered (no key id: the table has no key). It writes in place and keeps nothing of a batch.
 */
export function createAvroEncoder(
  table: TableSchema,
  topic: string,
  keyId: number | undefined,
  valueId: number,
  envelope: EnvelopeWriter,
  modes: FieldModes,
): RowEncoder {
  return new AvroEncoder(table, topic, { key: keyId, value: valueId }, envelope, modes);
}

class AvroEncoder implements RowEncoder {
  readonly table: TableSchema;
  readonly topic: string;
  readonly hasKey: boolean;
  readonly exact: ByteWriter = new ByteWriter(64);
  readonly #keyFrame: Buffer;
  readonly #valueFrame: Buffer;
  readonly #key: RowWriter;
  readonly #row: RowWriter;
  readonly #envelope: EnvelopeWriter;
  /** A `before` has all columns only under identity FULL. */
  readonly #isBeforeKeyOnly: boolean;
  readonly #keyExact: ByteWriter = new ByteWriter(64);

  constructor(
    table: TableSchema,
    topic: string,
    ids: { readonly key: number | undefined; readonly value: number },
    envelope: EnvelopeWriter,
    modes: FieldModes,
  ) {
    const fields = fieldsOf(table, modes);
    this.table = table;
    this.topic = topic;
    this.hasKey = ids.key !== undefined;
    this.#keyFrame = frame(ids.key ?? 0);
    this.#valueFrame = frame(ids.value);
    this.#key = new RowWriter(fields, table.key, table.key, modes.placeholder);
    this.#row = new RowWriter(fields, [...fields.keys()], table.key, modes.placeholder);
    this.#envelope = envelope;
    this.#isBeforeKeyOnly = table.identity !== 'full';
  }

  key(batch: Batch, row: number, out: ByteWriter): void {
    for (const ordinal of this.table.key) {
      if (batch.cells[2 * (row + ordinal) + 1] === UNCHANGED) throw keyNotSent(this.table);
    }
    this.#keyExact.length = 0;
    out.copy(this.#keyFrame, 0, this.#keyFrame.length);
    this.#key.write(batch, row, out, this.#keyExact, ExactSide.after, false);
  }

  value(batch: Batch, change: number, op: WireOp, before: number, after: number, out: ByteWriter): void {
    const { exact } = this;
    exact.length = 0;
    out.copy(this.#valueFrame, 0, this.#valueFrame.length);
    if (before < 0) out.byte(0);
    else {
      out.byte(2);
      this.#row.write(batch, before, out, exact, ExactSide.before, this.#isBeforeKeyOnly);
    }
    if (after < 0) out.byte(0);
    else {
      out.byte(2);
      this.#row.write(batch, after, out, exact, ExactSide.after, false);
    }
    this.#envelope.write(batch, change, op, out);
  }
}

function frame(id: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(id, 1);
  return bytes;
}

/** A key with a placeholder in it would make many rows one. */
function keyNotSent(table: TableSchema): RecordError {
  return new RecordError(`A row of table ${tableName(table)} came without the value of its key`, {
    advice:
      'The key is stored out of line (TOAST) and the source did not send it; set REPLICA IDENTITY FULL on the table.',
  });
}
