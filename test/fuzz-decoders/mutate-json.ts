import type { Random } from '../../src/torture/random.ts';

/** Values that are none of what a reader expects, or too much of it. */
const STRANGE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  0.5,
  '',
  'x',
  '\0',
  '\ud800',
  '__proto__',
  'constructor',
  '(',
  '[]',
  [],
  {},
  [null],
  [[]],
  [{}],
  { toString: 1 },
  { type: 'record' },
];
const DEEP = 2000;

/** One to five values of a JSON text become others; the text as it is when it is no JSON. `prefix` bytes before it are kept. */
export function mutateJson(bytes: Buffer, random: Random, prefix: number, corpus: readonly Buffer[]): Buffer {
  let value = parsed(bytes, prefix);
  if (value === undefined) return bytes;
  let changes = 1;
  while (changes < 5 && random.chance(0.4)) changes++;
  for (; changes > 0; changes--) value = changed(value, random, () => parsed(random.pick(corpus), prefix));
  return Buffer.concat([bytes.subarray(0, prefix), Buffer.from(JSON.stringify(value) ?? 'null')]);
}

function parsed(bytes: Buffer, prefix: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', prefix));
  } catch {
    return undefined;
  }
}

/** A place inside of the value, by chance nearer to its root, is changed; everything else stays. */
function changed(value: unknown, random: Random, other: () => unknown): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return another(value, random, other);
  if (Array.isArray(value)) {
    const items = [...(value as unknown[])];
    if (items.length === 0) return another(value, random, other);
    const at = random.below(items.length);
    if (random.chance(0.1)) return items.toSpliced(at, 1);
    if (random.chance(0.1)) return [...items, items[at]];
    return items.with(at, changed(items[at], random, other));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return another(value, random, other);
  const [key, inner] = random.pick(entries);
  const rest = entries.filter(([name]) => name !== key);
  if (random.chance(0.1)) return Object.fromEntries(rest);
  if (random.chance(0.05)) return Object.fromEntries([...rest, [random.pick(entries)[0], inner]]);
  return Object.fromEntries(entries.map(([name, each]) => [name, name === key ? changed(each, random, other) : each]));
}

function another(value: unknown, random: Random, other: () => unknown): unknown {
  const choice = random.below(10);
  if (choice === 0) return nested(value, random);
  if (choice === 1) return inside(other(), random);
  if (choice === 2 && typeof value === 'string') return value.repeat(random.between(2, 200)).slice(0, 20_000);
  if (choice === 3 && typeof value === 'string') return cut(value, random);
  if (choice === 4 && typeof value === 'number') return value + random.between(-2, 2);
  return random.pick(STRANGE);
}

/** The value in so many arrays or objects that whoever calls itself for each comes to the end of its stack. */
function nested(value: unknown, random: Random): unknown {
  let deep = value;
  const key = random.pick(['items', 'type', 'a', 'fields']);
  for (let i = random.chance(0.5) ? DEEP : 3; i > 0; i--) deep = key === 'a' ? [deep] : { type: 'array', [key]: deep };
  return deep;
}

function inside(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.3)) return value;
  const values: unknown[] = Object.values(value);
  return values.length === 0 ? value : inside(random.pick(values), random);
}

function cut(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  return random.chance(0.5)
    ? text.slice(0, at)
    : `${text.slice(0, at)}${random.pick(['\0', '"', '\\', '(', '*', '${env:X}', '\n', '.'])}${text.slice(at)}`;
}
