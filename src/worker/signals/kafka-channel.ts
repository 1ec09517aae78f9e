import type { RawSignal } from '../../change/signal.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';
import { RecordReader } from '../../log/record-reader.ts';
import type { ListenedSource } from '../../pipeline/listening.ts';
import { topicPlace } from '../../pipeline/signal-place.ts';
import { isJsonObject } from '../../json.ts';
import { type ChannelParts, untilHeard } from './until-heard.ts';

/** The topic whose records are signals. */
export interface SignalTopic {
  readonly topic: string;
  /** Records with another key are for other connectors. */
  readonly key: string;
  readonly pollTimeoutMs: number;
}

/** One record of the topic; `raw` is undefined when it is for somebody else. */
interface Found {
  readonly offset: number;
  readonly raw: RawSignal | undefined;
}

const READ_BYTES = 1024 * 1024;

/**
 * Carries out the signals of a topic, one after the other, from where the checkpoints say on: each once, because the checkpoint that holds a copy says
 * that its signal is carried out. Resolves when `signal` aborts.
 */
export async function listenToTopic(
  topic: SignalTopic,
  source: ListenedSource,
  parts: ChannelParts,
  signal: AbortSignal,
): Promise<void> {
  let next = source.topicOffset ?? 0;
  while (!signal.aborted) {
    let found: readonly Found[] = [];
    try {
      found = await readTopic(topic, source.log, next, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TransientError || error instanceof OperatorError)) throw error;
      parts.unreadable(error);
    }
    for (const { offset, raw } of found) {
      if (raw !== undefined) await untilHeard(raw, source, parts, signal);
      next = offset + 1;
      source.passed(next);
    }
    if (found.length === 0) await parts.clock.sleep(parts.intervalMs, signal);
  }
}

async function readTopic(
  { topic, key, pollTimeoutMs }: SignalTopic,
  log: Log,
  next: number,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const offset = await firstOffset(log, topic, next, signal);
  if (offset === undefined) return [];
  const [fetched] = await log.read([{ topic, partition: 0, offset }], READ_BYTES, pollTimeoutMs, signal);
  if (fetched === undefined) return [];
  const found: Found[] = [];
  const reader = new RecordReader(fetched.bytes);
  while (reader.next()) {
    if (reader.offset >= offset) found.push({ offset: reader.offset, raw: rawOf(reader, key) });
  }
  return found;
}

/** Where to read on: there may be no topic yet, its beginning may have expired, and it may have been made anew. */
async function firstOffset(log: Log, topic: string, wanted: number, signal: AbortSignal): Promise<number | undefined> {
  if (!(await log.topics([topic], signal)).has(topic)) return undefined;
  const { start, end } = await log.bounds(topic, 0, signal);
  const from = wanted < start || wanted > end ? start : wanted;
  return from < end ? from : undefined;
}

function rawOf(reader: RecordReader, key: string): RawSignal | undefined {
  const text = (start: number, end: number): string | undefined =>
    start < 0 ? undefined : reader.bytes.toString('utf8', start, end);
  const own = text(reader.keyStart, reader.keyEnd);
  if (own !== key && own !== JSON.stringify(key)) return undefined;
  const value = text(reader.valueStart, reader.valueEnd);
  return value === undefined ? undefined : rawSignal(value, topicPlace(reader.offset));
}

/** A signal as one JSON object; what is none has no type, which is told when it is to be carried out. */
export function rawSignal(json: string, place: string): RawSignal {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    value = undefined; // the parser's message holds a part of the text
  }
  const { id, type, data } = isJsonObject(value) ? value : {};
  return {
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : undefined,
    type: typeof type === 'string' ? type : undefined,
    data,
    place,
  };
}
