import type { Random } from '../../src/torture/random.ts';

/** Nothing grows beyond this: what is looked for is found in small inputs, and many of them. */
export const MAX_INPUT_BYTES: number = 64 * 1024;

/** Numbers at which lengths, counts and offsets go wrong. */
const NUMBERS = [0, 1, -1, 2, 127, 128, 255, 256, 32_767, 65_535, 0x7fff_ffff, -0x8000_0000, 0x4000_0000, 0x0fff_ffff];

type Mutation = (bytes: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer;

/** One to eight changes of a valid input, mostly one or two. */
export function mutateBytes(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  let changes = 1;
  while (changes < 8 && random.chance(0.4)) changes++;
  for (; changes > 0; changes--) mutated = random.pick(MUTATIONS)(mutated, random, corpus);
  return mutated.subarray(0, MAX_INPUT_BYTES);
}

const flipBit: Mutation = (bytes, random) => {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  if (bytes.length > 0)
    bytes[random.below(bytes.length)] = random.chance(0.5)
      ? random.bits() & 255
      : random.pick([0, 1, 127, 128, 254, 255]);
  return bytes;
};

/** A big- or little-endian number of some width becomes an extreme one, or another one near to it. */
const setNumber: Mutation = (bytes, random) => {
  const width = random.pick([2, 4, 4, 8]);
  if (bytes.length < width) return bytes;
  const at = random.below(bytes.length - width + 1);
  if (width === 8) bytes.writeBigInt64BE(BigInt(random.pick(NUMBERS)) * (random.chance(0.3) ? 2n ** 31n : 1n), at);
  else if (width === 4 && random.chance(0.5))
    bytes.writeInt32BE((bytes.readInt32BE(at) + random.between(-3, 3)) | 0, at);
  else if (width === 4) bytes[random.chance(0.7) ? 'writeInt32BE' : 'writeInt32LE'](random.pick(NUMBERS), at);
  else bytes.writeInt16BE((random.pick(NUMBERS) << 16) >> 16, at);
  return bytes;
};

/** A variable-length number of many bytes where there was one. */
const insertVarint: Mutation = (bytes, random) => {
  const size = random.pick([2, 4, 5, 9, 10, 11]);
  const varint = Buffer.alloc(size, random.pick([0xff, 0x80, 0x81]));
  varint[size - 1] = random.pick([0, 1, 7, 15, 127]);
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), varint, bytes.subarray(Math.min(bytes.length, at + 1))]);
};

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));

const remove: Mutation = (bytes, random) => {
  const [start, end] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
};

/** A stretch stands there again: twice, or so often that whoever calls itself for each comes to the end of its stack. */
const repeat: Mutation = (bytes, random) => {
  const [start, end] = range(bytes, random);
  if (end === start) return bytes;
  const most = Math.floor(MAX_INPUT_BYTES / (end - start));
  const times = random.chance(0.9) ? random.between(1, Math.min(4, most)) : random.between(1, Math.max(1, most));
  const again = Array.from({ length: times }, () => bytes.subarray(start, end));
  return Buffer.concat([bytes.subarray(0, end), ...again, bytes.subarray(end)]);
};

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  const fresh = Buffer.from(Array.from({ length: random.between(1, 8) }, () => random.bits() & 255));
  return Buffer.concat([bytes.subarray(0, at), fresh, bytes.subarray(at)]);
};

/** The beginning of this one and the end of another one. */
const splice: Mutation = (bytes, random, corpus) => {
  const other = random.pick(corpus);
  return Buffer.concat([
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  ]);
};

const swap: Mutation = (bytes, random) => {
  const [start, end] = range(bytes, random);
  const to = random.below(bytes.length - (end - start) + 1);
  const rest = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  return Buffer.concat([rest.subarray(0, to), bytes.subarray(start, end), rest.subarray(to)]);
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setNumber,
  setNumber,
  insertVarint,
  truncate,
  remove,
  repeat,
  insert,
  splice,
  swap,
];

/** Mostly a short stretch. */
function range(bytes: Buffer, random: Random): [start: number, end: number] {
  const start = random.below(bytes.length + 1);
  const most = bytes.length - start;
  return [start, start + random.below(1 + (random.chance(0.7) ? Math.min(most, 16) : most))];
}
