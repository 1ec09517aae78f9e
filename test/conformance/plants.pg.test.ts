import { expect, inject, test } from 'vitest';
import { describeError } from '../../src/errors.ts';
import { SOURCE_CHECKS } from '../../src/conformance/source-conformance.ts';
import { walKit } from './kits.ts';
import { scratchEmbeddedLog } from './logs.ts';
import { PLANTS } from './plants.ts';

test.each(PLANTS)('catches a source that $name', async ({ property, found, plant, patienceMs }) => {
  const server = inject('postgres');
  const place = {
    source: server,
    replica: server,
    openLog: scratchEmbeddedLog,
    effort: 'short',
    ...(patienceMs !== undefined && { patienceMs }),
  } as const;
  const check = SOURCE_CHECKS.find((each) => each.property === property);
  const error: unknown = await check?.run(plant(walKit), place).catch((thrown: unknown) => thrown);
  expect(describeError(error)).toMatch(found);
  if (process.env.SHOW_MESSAGES !== undefined) process.stdout.write(`${property}: ${describeError(error)}\n`);
});

test('has a planted bug for every property', () => {
  const planted = new Set(PLANTS.map(({ property }) => property));
  expect(SOURCE_CHECKS.map(({ property }) => property).filter((each) => !planted.has(each))).toEqual([]);
});
