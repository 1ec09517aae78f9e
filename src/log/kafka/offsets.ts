import { PositionLostError } from '../../errors.ts';
import type { Brokers } from './brokers.ts';
import { partitionName } from './errors.ts';
import { askLeader } from './leader-request.ts';
import type { Leaders } from './leaders.ts';
import { deleteRecordsRequest } from './protocol/delete-records.ts';
import { listOffsetsRequest, PartitionEnd } from './protocol/list-offsets.ts';

export interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** The partition's first offset and its next one. The first is asked for first, so it is never above the second. */
export async function readBounds(
  brokers: Brokers,
  leaders: Leaders,
  topic: string,
  partition: number,
  signal: AbortSignal,
): Promise<Bounds> {
  const ask = async (end: PartitionEnd): Promise<number> => {
    const request = listOffsetsRequest([{ topic, partition }], end);
    return (await askLeader(brokers, leaders, topic, partition, request, signal)).offset;
  };
  return { start: await ask(PartitionEnd.start), end: await ask(PartitionEnd.end) };
}

/** Deletes the partition's records below `before`; what is deleted already stays so. */
export async function trimPartition(
  brokers: Brokers,
  leaders: Leaders,
  topic: string,
  partition: number,
  before: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const request = deleteRecordsRequest(topic, partition, before, timeoutMs);
  await askLeader(brokers, leaders, topic, partition, request, signal);
}

/** What a reader is told whose records are gone, or never were: nothing here moves an offset. */
export function historyLost(
  topic: string,
  partition: number,
  offset: number,
  { start, end }: Bounds,
): PositionLostError {
  const what = offset < start ? 'no longer has' : 'does not have';
  return new PositionLostError(
    `${partitionName(topic, partition)} ${what} offset ${offset}: it has ${start} to ${end}`,
    {
      advice:
        offset < start
          ? 'Its retention was shorter than the sink was behind. Take a new snapshot, and raise retention.ms.'
          : 'The topic was created again, or lost its last records. Take a new snapshot.',
    },
  );
}
