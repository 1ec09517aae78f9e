import type { Random } from '../../../src/torture/random.ts';

const STRANGE = [
  'select',
  'Upper Case',
  'dot.dot',
  'quo"te',
  "it's",
  'ünïcödé 表',
  '__proto__',
  'constructor',
  'toString',
  ' lead',
  'a$b',
  'a-b',
  'a_b',
  'MiXed',
  'mixed',
  '1st',
  'op',
  'before',
  'after',
  'source',
  'ts_ms',
  'key',
  '😀',
  'back\\slash',
  '%s',
  ';--',
  'length',
  'order',
  'hasOwnProperty',
  '$1',
  '*',
  'n'.repeat(63),
];

/** A name that is not in `taken`, which it joins; often one that needs quotes. */
export function freshName(stem: string, taken: Set<string>, random: Random): string {
  for (;;) {
    const name = random.chance(0.4) ? random.pick(STRANGE) : `${stem}${random.below(100)}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}
