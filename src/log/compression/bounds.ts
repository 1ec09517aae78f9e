/**
 * What the records of one batch may come to, decompressed: what the embedded log takes, and 256 times Kafka's max.message.bytes. A
 * batch's header does not say how large it becomes, so that a small one could fill the memory (Invariant 9).
 */
export const MAX_RECORDS_BYTES: number = 256 * 1024 * 1024;

/** Bytes would become more than they may; it is not known how many. */
export class BeyondBounds extends Error {
  constructor(maxBytes: number) {
    super(`More than ${maxBytes} bytes`);
    this.name = new.target.name;
  }
}
