import { expect, test } from 'vitest';
import { generateScenario } from './generate/generate.ts';
import { printScenario } from './print-scenario.ts';
import type { Scenario, Step } from './scenario.ts';
import { shrink, sizeOf } from './shrink.ts';

function isCulprit(step: Step): boolean {
  return step.kind === 'sql' && (step.sql === 'select 7' || step.sql === 'select 30');
}

function scenario(): Scenario {
  const steps = Array.from({ length: 40 }, (_, n): Step => {
    return { kind: 'sql', session: 0, sql: `select ${n}`, guarded: false };
  });
  return {
    ...generateScenario(1, 1),
    tables: ['create table a ()', 'create table b ()'],
    rows: steps.slice(0, 5),
    steps,
  };
}

test('what a failure does not need is left out', async () => {
  let runs = 0;
  const stillFails = async ({ steps, tables }: Scenario): Promise<boolean> => {
    runs++;
    return steps.filter(isCulprit).length === 2 && tables.includes('create table b ()');
  };
  const smallest = await shrink(scenario(), stillFails, () => false);
  expect(smallest.tables).toEqual(['create table b ()']);
  expect(smallest.rows).toEqual([]);
  expect(smallest.steps.every(isCulprit)).toBe(true);
  expect(sizeOf(smallest)).toBe(3);
  expect(runs).toBeLessThan(120);
});

test('shrinking ends when its time is over', async () => {
  expect(
    await shrink(
      scenario(),
      async () => true,
      () => true,
    ),
  ).toEqual(scenario());
});

test('a seed and a number always mean the same round', () => {
  const print = (seed: number, round: number): string => printScenario(generateScenario(seed, round));
  expect(print(5, 9)).toBe(print(5, 9));
  expect(print(5, 9)).not.toBe(print(5, 10));
  expect(print(6, 9)).not.toBe(print(5, 9));
});
