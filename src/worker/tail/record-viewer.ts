import { envelopeViewer, keyViewer, type RowView, type Viewer } from '../../converter/avro/view.ts';
import { validSchema } from '../../converter/avro/valid-schema.ts';
import { schemaId, type SchemaStore } from '../../converter/converter.ts';
import { describeError } from '../../errors.ts';
import { EXACT_HEADER, HEADER, headerOp, headerPart, isHeader, Part } from '../../log/protocol/header.ts';
import type { RecordReader } from '../../log/record-reader.ts';
import { kindOf, type RecordKind, type RecordView } from './record-view.ts';

const NOTHING = Buffer.alloc(0);

const PARTS: ReadonlyMap<Part, RecordKind> = new Map([
  [Part.tombstone, 'tombstone'],
  [Part.oldKey, 'old key'],
  [Part.newKey, 'new key'],
  [Part.event, 'event'],
]);

/** Turns records into what a person reads. Asks the registry once per schema; a record that cannot be read is shown with the reason. */
export class RecordViewer {
  readonly #store: SchemaStore;
  readonly #values = new Map<number, Viewer>();
  readonly #keys = new Map<number, (bytes: Buffer) => RowView>();

  constructor(store: SchemaStore) {
    this.#store = store;
  }

  /** Views the record that `reader` stands at. */
  async view(reader: RecordReader, partition: number, signal: AbortSignal): Promise<RecordView> {
    const { offset, timestamp } = reader;
    // The reader moves on while schemas are waited for.
    const key = reader.keyStart < 0 ? undefined : Buffer.from(reader.bytes.subarray(reader.keyStart, reader.keyEnd));
    const value =
      reader.valueStart < 0 ? undefined : Buffer.from(reader.bytes.subarray(reader.valueStart, reader.valueEnd));
    const kind = kindAt(reader, value);
    const exact = reader.findHeader(EXACT_HEADER)
      ? Buffer.from(reader.bytes.subarray(reader.headerStart, reader.headerEnd))
      : NOTHING;
    const about = { partition, offset, timestamp, kind };
    try {
      const shownKey = key === undefined ? null : await this.#key(key, signal);
      if (value === undefined) return { ...about, key: shownKey };
      return { ...about, key: shownKey, ...(await this.#value(value, exact, signal)) };
    } catch (error) {
      signal.throwIfAborted();
      return { ...about, key: key === undefined ? null : textOf(key), problem: describeError(error) };
    }
  }

  async #key(bytes: Buffer, signal: AbortSignal): Promise<RowView | string> {
    const id = schemaId(bytes, 0, bytes.length);
    if (id < 0) return textOf(bytes);
    const known = this.#keys.get(id) ?? keyViewer(id, await this.#schema(id, signal));
    this.#keys.set(id, known);
    return known(bytes);
  }

  async #value(bytes: Buffer, exact: Buffer, signal: AbortSignal): Promise<Partial<RecordView>> {
    const id = schemaId(bytes, 0, bytes.length);
    if (id < 0) return { value: textOf(bytes) };
    const known = this.#values.get(id) ?? envelopeViewer(id, await this.#schema(id, signal));
    this.#values.set(id, known);
    return known(bytes, exact);
  }

  async #schema(id: number, signal: AbortSignal): Promise<unknown> {
    return validSchema(await this.#store.byId(id, signal), `Schema ${id}`);
  }
}

function kindAt(reader: RecordReader, value: Buffer | undefined): RecordKind {
  const isOurs = reader.findHeader(HEADER) && isHeader(reader.bytes, reader.headerStart, reader.headerEnd);
  if (!isOurs) return value === undefined ? 'tombstone' : 'record';
  return PARTS.get(headerPart(reader.bytes, reader.headerStart)) ?? kindOf(headerOp(reader.bytes, reader.headerStart));
}

/** Text as it is; bytes that are none as \x and hexadecimal digits, as Postgres writes them. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\u{FFFD}') ? `\\x${bytes.toString('hex')}` : text;
}
