/** More transactions than this between two polls are not remembered: their rows may be sent twice. */
const MAX_BYTES = 32 * 1024 * 1024;
const FIRST_BYTES = 1024;

/**
 * A set of transaction ids from `from` on, one bit each. A transaction (or subtransaction) of which a snapshot showed one row is shown whole: all
 * its rows were sent with that poll.
 */
export class DeliveredXids {
  readonly from: number;
  #bits: Uint8Array = new Uint8Array(0);

  constructor(from: number) {
    this.from = from;
  }

  add(xid: number): void {
    const at = xid - this.from;
    if (at < 0) return;
    const byte = Math.floor(at / 8);
    if (byte >= this.#bits.length && !this.#grow(byte)) return;
    this.#bits[byte] = (this.#bits[byte] as number) | (1 << (at % 8));
  }

  has(xid: number): boolean {
    const at = xid - this.from;
    return at >= 0 && ((this.#bits[Math.floor(at / 8)] ?? 0) & (1 << (at % 8))) !== 0;
  }

  #grow(byte: number): boolean {
    if (byte >= MAX_BYTES) return false;
    const bits = new Uint8Array(Math.min(MAX_BYTES, Math.max(FIRST_BYTES, byte + 1, 2 * this.#bits.length)));
    bits.set(this.#bits);
    this.#bits = bits;
    return true;
  }
}
