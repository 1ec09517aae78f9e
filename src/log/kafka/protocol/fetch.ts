import { shareOf } from '../../fetch-share.ts';
import type { Cursor } from '../../log.ts';
import { byTopic, type Answer, type KafkaRequest } from './request.ts';
import { type ResponseReader, RequestWriter } from './wire.ts';

/** What the leader has of one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The offset behind the last record that all in-sync replicas have. */
  readonly highWatermark: number;
  readonly logStart: number;
  /** Whole record batches. */
  readonly bytes: Buffer;
}

export interface FetchAnswer extends Answer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
  /** Gives back the memory that the bytes of all partitions are in. */
  readonly release: (() => void) | undefined;
}

/**
 * Fetch v10 without a session, read_uncommitted. Version 10 and not a later one: from 11 on a follower may answer, and one that
 * is behind would say that an offset is out of range. A batch that is larger than its partition's share comes when that one is the first.
 *
 *     request  => replica_id:int32 max_wait_ms:int32 min_bytes:int32 max_bytes:int32 isolation_level:int8
 *                 session_id:int32 session_epoch:int32 [topic] [forgotten_topic]
 *       topic  => name:string [index:int32 current_leader_epoch:int32 fetch_offset:int64 log_start_offset:int64 max_bytes:int32]
 *     response => throttle_time_ms:int32 error_code:int16 session_id:int32 [name:string [partition]]
 *       partition => index:int32 error_code:int16 high_watermark:int64 last_stable_offset:int64 log_start_offset:int64
 *                    [producer_id:int64 first_offset:int64] records:nullable_bytes
 *
 * @see https://kafka.apache.org/protocol#The_Messages_Fetch
 */
export function fetchRequest(
  cursors: readonly Cursor[],
  maxBytes: number,
  maxWaitMs: number,
): KafkaRequest<FetchAnswer> {
  const out = new RequestWriter().int32(-1).int32(maxWaitMs).int32(1).int32(maxBytes).int8(0).int32(0).int32(-1);
  out.array([...byTopic(cursors)], ([topic, group]) => {
    out.string(topic).array(group, (cursor) => {
      const share = shareOf(cursor, cursors.length, maxBytes);
      out.int32(cursor.partition).int32(-1).int64(cursor.offset).int64(-1).int32(share);
    });
  });
  out.int32(0); // forgotten topics
  return {
    name: 'Fetch',
    apiKey: 1,
    apiVersion: 10,
    isFlexible: false,
    body: [out.take()],
    waitMs: maxWaitMs,
    decode,
  };
}

function decode(response: ResponseReader): FetchAnswer {
  const throttleMs = response.int32();
  const errorCode = response.int16();
  response.int32(); // session id
  const topics = response.array(() => {
    const topic = response.string();
    return response.array(() => decodePartition(response, topic));
  });
  return { throttleMs, errorCode, partitions: topics.flat(), release: response.release };
}

function decodePartition(response: ResponseReader, topic: string): FetchedPartition {
  const partition = response.int32();
  const errorCode = response.int16();
  const highWatermark = response.int64();
  response.int64(); // last stable offset
  const logStart = response.int64();
  response.array(() => response.raw(16)); // aborted transactions
  return { topic, partition, errorCode, highWatermark, logStart, bytes: wholeBatches(response.bytes()) };
}

/** A byte limit may cut the last batch off; what is left of it is of no use. */
function wholeBatches(bytes: Buffer): Buffer {
  let end = 0;
  while (end + 12 <= bytes.length) {
    const next = end + 12 + bytes.readInt32BE(end + 8);
    if (next > bytes.length || next < end + 12) break;
    end = next;
  }
  return bytes.subarray(0, end);
}
