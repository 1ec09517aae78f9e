const SIZE = 64 * 1024;
const from = Buffer.alloc(SIZE, 'The quick brown fox jumps over the lazy dog, 0123456789\t');
const to = Buffer.alloc(2 * SIZE);
const bounds = new Int32Array(1024);

/**
 * What every transcoder is compared with: bytes looked at and copied one by one, numbers put together from digits, bounds kept in a
 * typed array, short runs copied by a native call. It must never change: all ratios of the reference rest on it.
 */
export function referenceLoop(): number {
  let [at, number, fields] = [0, 0, 0];
  for (let i = 0; i < SIZE; i++) {
    const byte = from[i] as number;
    if (byte >= 48 && byte <= 57) number = (number * 10 + byte - 48) | 0;
    else if (byte === 9) {
      bounds[fields++ & 1023] = at;
      from.copy(to, at, i - 20, i);
      at += 20;
      number = number ^ (number >>> 7);
    }
    if (byte !== 92) to[at++ & (SIZE - 1)] = byte;
  }
  return number + at + fields;
}
