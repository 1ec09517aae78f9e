import { Batch } from '../../src/change/batch.ts';
import { ByteWriter } from '../../src/change/byte-writer.ts';
import { WireOp } from '../../src/converter/converter.ts';
import { HEADER, HEADER_BYTES } from '../../src/log/protocol/header.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import { RecordSetWriter } from '../../src/log/record-set.ts';
import { writeCopyRows } from '../../src/sink/postgres/copy-text.ts';
import { RowCells } from '../../src/sink/row-cells.ts';
import { Assembler } from '../../src/source/wal/assembler.ts';
import { decodeMessage } from '../../src/source/wal/decoder.ts';
import { path, type Path } from '../../test/converter/fixture.ts';
import * as message from '../../test/source/wal/pgoutput-bytes.ts';
import { batchOf, narrowRows, type Rows, wideRows } from './rows.ts';

/** Something that turns rows from one form into another; `run` does a fixed amount of it, some tenths of a millisecond. */
export interface Transcoder {
  readonly name: string;
  readonly run: () => void;
}

/** Every step that a row takes, each by itself. */
export async function transcoders(): Promise<readonly Transcoder[]> {
  const [narrow, wide] = [narrowRows(400), wideRows(100)];
  const [narrowPath, widePath] = [await path(narrow.schema), await path(wide.schema)];
  return [
    { name: 'pgoutput to rows', run: decoding(narrow) },
    { name: 'rows to Avro', run: encoding(narrow, narrowPath) },
    { name: 'wide rows to Avro', run: encoding(wide, widePath) },
    { name: 'Avro to rows', run: reading(narrow, narrowPath) },
    { name: 'Avro to wide rows', run: reading(wide, widePath) },
    { name: 'records to batches', run: building(narrow, narrowPath) },
    { name: 'batches to records', run: walking(narrow, narrowPath) },
    { name: 'rows to COPY text', run: copying(narrow, narrowPath) },
  ];
}

function decoding({ schema, texts }: Rows): () => void {
  const messages = [
    message.begin(100, 0, 7),
    ...texts.map((cells) => message.insert(1, cells)),
    message.commit(100, 200),
  ];
  const stream = Buffer.concat(messages);
  const starts = messages.map((_, i) => messages.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const batch = new Batch();
  const width = schema.columns.length;
  return () => {
    batch.clear();
    const ports = { relation: () => {}, full: () => {}, idle: () => {}, newBatch: () => batch };
    const assembler = new Assembler(ports, 0, 1 << 30, { last: 0 });
    const keep = new Uint8Array(width).fill(1);
    const layout = { keep, required: new Uint8Array(width) };
    assembler.setRelation({ table: schema, captured: true, announced: false, batch: -1, slot: -1, ...layout });
    for (let i = 0; i < starts.length; i++) {
      decodeMessage(stream, starts[i] as number, starts[i + 1] ?? stream.length, assembler);
    }
  };
}

function encoding(rows: Rows, { encoder }: Path): () => void {
  const batch = batchOf(rows);
  const out = new ByteWriter(1 << 20);
  return () => {
    out.length = 0;
    for (let i = 0; i < batch.length; i++) {
      encoder.key(batch, batch.after[i] as number, out);
      encoder.value(batch, i, WireOp.create, -1, batch.after[i] as number, out);
    }
  };
}

/** Bounds of the values in what `encoder` writes. */
function encoded(rows: Rows, { encoder }: Path): { bytes: Buffer; ends: Int32Array } {
  const batch = batchOf(rows);
  const out = new ByteWriter(1 << 20);
  const ends = new Int32Array(batch.length + 1);
  for (let i = 0; i < batch.length; i++) {
    encoder.value(batch, i, WireOp.create, -1, batch.after[i] as number, out);
    ends[i + 1] = out.length;
  }
  return { bytes: Buffer.from(out.view()), ends };
}

function reading(rows: Rows, way: Path): () => void {
  const { bytes, ends } = encoded(rows, way);
  const { decoder } = way;
  const batch = new Batch();
  return () => {
    batch.clear();
    for (let i = 0; i + 1 < ends.length; i++) {
      decoder.decode(bytes, ends[i] as number, ends[i + 1] as number, 0, 0, batch);
    }
  };
}

function building(rows: Rows, way: Path): () => void {
  const { bytes, ends } = encoded(rows, way);
  const header = Buffer.alloc(HEADER_BYTES);
  return () => {
    const writer = new RecordSetWriter(() => 1_795_000_000_000);
    for (let i = 0; i + 1 < ends.length; i++) {
      const [start, end] = [ends[i] as number, ends[i + 1] as number];
      writer.beginRecord();
      writer.beginKey().copy(bytes, start, start + 10);
      writer.endKey();
      writer.beginValue().copy(bytes, start, end);
      writer.endValue();
      writer.headers(1);
      writer.header(HEADER, header, 0, HEADER_BYTES);
      writer.endRecord();
    }
    writer.finish();
  };
}

function walking(rows: Rows, way: Path): () => void {
  const { bytes, ends } = encoded(rows, way);
  const writer = new RecordSetWriter(() => 1_795_000_000_000);
  const header = Buffer.alloc(HEADER_BYTES);
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i + 1 < ends.length; i++) {
      writer.beginRecord();
      writer.nullKey();
      writer.beginValue().copy(bytes, ends[i] as number, ends[i + 1] as number);
      writer.endValue();
      writer.headers(1);
      writer.header(HEADER, header, 0, HEADER_BYTES);
      writer.endRecord();
    }
  }
  const batches = Buffer.concat(writer.finish().batches.map((each) => each.bytes));
  return () => {
    const reader = new RecordReader(batches);
    while (reader.next()) if (!reader.findHeader(HEADER)) throw new Error('A record has no header');
  };
}

/** Of rows as a decoder leaves them. */
function copying(rows: Rows, way: Path): () => void {
  const { bytes, ends } = encoded(rows, way);
  const { decoder } = way;
  const batch = new Batch();
  const firsts: number[] = [];
  for (let i = 0; i + 1 < ends.length; i++) {
    decoder.decode(bytes, ends[i] as number, ends[i + 1] as number, 0, 0, batch);
    firsts.push(decoder.after);
  }
  const columns = rows.schema.columns.map((_, ordinal) => ({ ordinal, alias: `c${ordinal}`, type: 'text' }));
  const out = new ByteWriter(1 << 20);
  return () => {
    out.length = 0;
    // Each batch is looked through once, as it is when it is applied.
    writeCopyRows(out, { cells: new RowCells(batch), rows: firsts, columns }, 0, 1 << 30);
  };
}
