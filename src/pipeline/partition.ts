/** Confluent's framing: magic byte and schema id. */
const FRAMING_BYTES = 5;

/**
 * The partition of a framed key: Kafka's murmur2 over the key without its framing, so that a new key schema moves no key.
 * (Java's default partitioner hashes the framing too: docs/format.md says so.)
 */
export function partitionOf(key: Buffer, length: number, partitions: number): number {
  if (partitions === 1) return 0;
  return (murmur2(key, Math.min(FRAMING_BYTES, length), length) & 0x7fffffff) % partitions;
}

/**
 * murmur2 as Kafka's clients compute it, over `bytes[start..end)`.
 * @see https://github.com/apache/kafka/blob/4.1.0/clients/src/main/java/org/apache/kafka/common/utils/Utils.java
 */
export function murmur2(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    let k = bytes.readInt32LE(at);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const left = end - at;
  if (left >= 3) h ^= (bytes[at + 2] as number) << 16;
  if (left >= 2) h ^= (bytes[at + 1] as number) << 8;
  if (left >= 1) h = Math.imul(h ^ (bytes[at] as number), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}
