import type { Target } from './target.ts';

const corpus = (): readonly Buffer[] => [Buffer.from('\0\0\0\x04text')];

/** Decoders with the mistakes that are looked for: the harness must tell of each of them. */
export const PLANTED: readonly Target[] = [
  plant('planted-crash', 'a length that is believed', (input) => {
    void input[input.readUInt32BE(0)]?.toString();
    input.readUInt8(input.readUInt32BE(0) + 3);
  }),
  plant('planted-wrong-error', 'a text that is no JSON', (input) => {
    if (input[4] !== 0x74) JSON.parse(input.toString());
  }),
  plant('planted-overflow', 'a nesting that is followed', (input) => {
    if (input.length > 40) overflow(input.length);
  }),
  plant('planted-hang', 'a step of no length', (input) => {
    for (let at = 0; at < input.length; at += input[at] === 0xff ? 0 : 1);
  }),
  plant('planted-buffer', 'memory for a length that is not there', (input) => {
    if (input.length >= 4) Buffer.alloc(Math.min(input.readUInt32BE(0), 0x1000_0000));
  }),
  plant('planted-objects', 'an object for each of a count that is not there', (input) => {
    const items: object[] = [];
    for (let left = input.length >= 4 ? input.readUInt32BE(0) : 0; left > 0; left--)
      items.push(Array.from({ length: 20_000 }, () => left));
  }),
  plant('planted-rejection', 'an error that nobody waits for', (input) => {
    if (input[4] !== 0x74) void Promise.reject(new Error('Nobody hears of it'));
  }),
];

function plant(name: string, reads: string, run: (input: Buffer) => void): Target {
  return { name, reads, corpus, run };
}

function overflow(depth: number): number {
  return depth < 0 ? 0 : 1 + overflow(depth + 1);
}
