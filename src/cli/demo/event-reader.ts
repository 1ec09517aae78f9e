import type { Log, Span } from '../../log/log.ts';
import { CheckpointCounter } from '../../log/protocol/counter.ts';
import { HEADER, headerIndex, headerPart, Part } from '../../log/protocol/header.ts';
import { decodeLedgerRecord } from '../../log/protocol/records.ts';
import { checkpointsTopic } from '../../log/protocol/topics.ts';
import { RecordReader } from '../../log/record-reader.ts';

/** An event of an outbox as a consumer of its topic sees it. */
export interface SeenEvent {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  /** Those of the headers asked for that it has. */
  readonly headers: Readonly<Record<string, string>>;
}

const READ_BYTES = 4 * 1024 * 1024;

/** Reads the events that checkpoints cover, in the order of the source: what a consumer that honours checkpoints gets, each exactly once. */
export class EventReader {
  readonly #log: Log;
  readonly #prefix: string;
  readonly #headers: readonly string[];
  readonly #counter = new CheckpointCounter();
  #offset = 0;

  /** `prefix` is the source's `topic.prefix`, `headers` names what is to be read besides key and value. */
  constructor(log: Log, prefix: string, headers: readonly string[]) {
    this.#log = log;
    this.#prefix = prefix;
    this.#headers = headers;
  }

  /** The events of the checkpoints since the last call; waits up to `waitMs` for one. */
  async read(waitMs: number, signal: AbortSignal): Promise<readonly SeenEvent[]> {
    const topic = checkpointsTopic(this.#prefix);
    if ((await this.#log.topics([topic], signal)).size === 0) return [];
    const cursor = { topic, partition: 0, offset: this.#offset };
    const [fetched] = await this.#log.read([cursor], READ_BYTES, waitMs, signal);
    const events: SeenEvent[] = [];
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < this.#offset) continue;
      this.#offset = reader.offset + 1;
      const record = decodeLedgerRecord(reader.bytes.subarray(reader.valueStart, reader.valueEnd), topic);
      const checkpoint = record && this.#counter.feed(reader.offset, record);
      if (checkpoint !== undefined) events.push(...(await this.#eventsOf(checkpoint.spans, signal)));
    }
    return events;
  }

  async #eventsOf(spans: readonly Span[], signal: AbortSignal): Promise<readonly SeenEvent[]> {
    const found: { readonly index: number; readonly event: SeenEvent }[] = [];
    for (const { topic, partition, base, count } of spans) {
      for (let offset = base; offset < base + count; ) {
        const [fetched] = await this.#log.read([{ topic, partition, offset }], READ_BYTES, 1_000, signal);
        const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
        while (reader.next() && reader.offset < base + count) {
          if (reader.offset < offset) continue;
          offset = reader.offset + 1;
          if (!reader.findHeader(HEADER) || headerPart(reader.bytes, reader.headerStart) !== Part.event) continue;
          const index = headerIndex(reader.bytes, reader.headerStart);
          found.push({ index, event: { topic, partition, ...this.#content(reader) } });
        }
      }
    }
    return found.toSorted((a, b) => a.index - b.index).map(({ event }) => event);
  }

  #content(reader: RecordReader): Pick<SeenEvent, 'key' | 'value' | 'headers'> {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = reader;
    const headers = this.#headers.flatMap((name) =>
      reader.findHeader(Buffer.from(name))
        ? [[name, bytes.toString('utf8', reader.headerStart, reader.headerEnd)] as const]
        : [],
    );
    return {
      key: keyStart < 0 ? null : bytes.toString('utf8', keyStart, keyEnd),
      value: valueStart < 0 ? null : bytes.toString('utf8', valueStart, valueEnd),
      headers: Object.fromEntries(headers),
    };
  }
}
