import { type Batch, NULL, UNCHANGED } from '../../../src/change/batch.ts';
import { ByteWriter } from '../../../src/change/byte-writer.ts';
import type { TableSchema } from '../../../src/change/table-schema.ts';
import type { Converter, RowDecoder, RowEncoder } from '../../../src/converter/converter.ts';
import { RecordError } from '../../../src/errors.ts';
import type { Process } from '../process.ts';

/** The only schema: cells as length and bytes behind Confluent's framing. */
const SCHEMA_ID = 7;
const LENGTH_NULL = 0xffff;

/** A converter whose values are easy to check: UNCHANGED cells stand in the exact header, as real ones do. */
export function modelConverter(process: Process): Converter {
  return {
    encoder: (table, topic, signal) => process.call('converter.encoder', () => encoderOf(table, topic), { signal }),
    announce: async () => undefined,
    decoder: (id, table, _topic, signal) =>
      process.call(
        'converter.decoder',
        () => {
          if (id !== SCHEMA_ID) throw new RecordError(`No schema has id ${id}`);
          return decoderOf(table);
        },
        { signal },
      ),
  };
}

function encoderOf(table: TableSchema, topic: string): RowEncoder {
  const exact = new ByteWriter(64);
  const width = table.columns.length;
  const hasKey = table.key.length > 0;
  return {
    table,
    topic,
    hasKey,
    exact,
    key: (batch, row, out) => {
      frame(out);
      for (const ordinal of table.key) writeCell(batch, row + ordinal, out);
    },
    value: (batch, _change, op, before, after, out) => {
      exact.length = 0;
      frame(out);
      out.byte(op);
      for (const [side, row] of [before, after].entries()) {
        out.byte(row < 0 ? 0 : 1);
        for (let i = 0; row >= 0 && i < width; i++) {
          if (writeCell(batch, row + i, out)) continue;
          exact.byte(side);
          exact.byte(i);
        }
      }
    },
  };
}

function decoderOf(table: TableSchema): RowDecoder {
  const width = table.columns.length;
  const decoder: RowDecoder = {
    before: -1,
    after: -1,
    decode: (bytes, start, end, exactStart, exactEnd, batch) => {
      if (end - start < 8 || bytes[start] !== 0) throw new RecordError('Value is not framed');
      let at = start + 6;
      const row = (): number => {
        if (bytes[at++] === 0) return -1;
        const first = batch.cellCount;
        for (let i = 0; i < width; i++) {
          const length = bytes.readUInt16BE(at);
          at += 2;
          if (length === LENGTH_NULL) batch.addCell(0, NULL);
          else {
            batch.copyCell(bytes, at, at + length);
            at += length;
          }
        }
        return first;
      };
      decoder.before = row();
      decoder.after = row();
      for (let i = exactStart; i < exactEnd; i += 2) {
        const first = bytes[i] === 0 ? decoder.before : decoder.after;
        batch.cells[2 * (first + (bytes[i + 1] as number)) + 1] = UNCHANGED;
      }
    },
    release: () => {},
  };
  return decoder;
}

function frame(out: ByteWriter): void {
  out.byte(0);
  out.uint32(SCHEMA_ID);
}

/** False for an UNCHANGED cell, which is written as NULL. */
function writeCell(batch: Batch, cell: number, out: ByteWriter): boolean {
  const start = batch.cells[2 * cell] as number;
  const end = batch.cells[2 * cell + 1] as number;
  const length = end < 0 ? LENGTH_NULL : end - start;
  out.byte(length >>> 8);
  out.byte(length & 255);
  if (end >= 0) out.copy(batch.bytes, start, end);
  return end !== UNCHANGED;
}
