import type { SchemaStore } from '../../converter/converter.ts';
import { OperatorError } from '../../errors.ts';
import type { Cursor, Log } from '../../log/log.ts';
import { RecordReader } from '../../log/record-reader.ts';
import { RecordViewer } from './record-viewer.ts';
import type { RecordView } from './record-view.ts';

const READ_BYTES = 1024 * 1024;

/** Where to begin: the first record that is there, behind the last one, or an offset by partition (the first record of those not named). */
export type TailFrom = 'start' | 'end' | Readonly<Record<number, number>>;

export interface TailRequest {
  readonly topic: string;
  readonly from: TailFrom;
  /** At most so many records. */
  readonly limit: number;
  /** How long to wait for the first one, in milliseconds. */
  readonly waitMs: number;
}

export interface TailAnswer {
  /** In the order of their partitions, in each of them of their offsets. */
  readonly records: readonly RecordView[];
  /** By partition: where to go on. */
  readonly next: Readonly<Record<number, number>>;
  /** Nothing was left to read when this was answered. */
  readonly isAtEnd: boolean;
}

/** Reads the next records of a topic, whoever wrote them. Throws OperatorError when there is no such topic, or no such offset. */
export async function tail(
  log: Log,
  store: SchemaStore,
  request: TailRequest,
  signal: AbortSignal,
): Promise<TailAnswer> {
  const { limit, waitMs } = request;
  const cursors = await cursorsOf(log, request, signal);
  const next = new Map(cursors.map(({ partition, offset }) => [partition, offset]));
  const records: RecordView[] = [];
  const viewer = new RecordViewer(store);
  let isAtEnd = true;
  for (const { partition, bytes, end } of await log.read(cursors, READ_BYTES, waitMs, signal)) {
    const reader = new RecordReader(bytes);
    const from = next.get(partition) ?? 0;
    while (records.length < limit && reader.next()) {
      if (reader.offset < from) continue;
      records.push(await viewer.view(reader, partition, signal));
      next.set(partition, reader.offset + 1);
    }
    if ((next.get(partition) ?? 0) < end) isAtEnd = false;
  }
  return { records, next: Object.fromEntries(next), isAtEnd };
}

async function cursorsOf(log: Log, { topic, from }: TailRequest, signal: AbortSignal): Promise<readonly Cursor[]> {
  const found = (await log.topics([topic], signal)).get(topic);
  if (found === undefined) {
    throw new OperatorError(`There is no topic "${topic}"`, {
      advice: 'GET /connectors/<name>/topics says which topics a connector has; a topic is made with its first row.',
    });
  }
  const partitions = Array.from({ length: found.partitions }, (_, partition) => partition);
  return await Promise.all(
    partitions.map(async (partition) => {
      const given = typeof from === 'object' ? from[partition] : undefined;
      if (given !== undefined) return { topic, partition, offset: given };
      const bounds = await log.bounds(topic, partition, signal);
      return { topic, partition, offset: from === 'end' ? bounds.end : bounds.start };
    }),
  );
}
