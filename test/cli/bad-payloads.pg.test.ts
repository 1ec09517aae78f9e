import { expect, test } from 'vitest';
import { OperatorError, RecordError } from '../../src/errors.ts';
import { FAULTS } from './bad-payloads/faults.ts';
import type { BadPayload } from './bad-payloads/payload.ts';
import { FORGED, STRAYS } from './bad-payloads/strays.ts';
import { type Answer, World } from './bad-payloads/world.ts';

/** With SHOW_MESSAGES=1 the table of records, messages and remedies is printed. */
function show({ at, state }: BadPayload, message: string, advice: string = ''): void {
  if (process.env.SHOW_MESSAGES === '1') process.stdout.write(`| ${at}: ${state} | ${message} | ${advice} |\n`);
}

/** What is wrong with an answer, or undefined. */
function wrongOf({ says }: BadPayload, { failure, applied }: Answer): string | undefined {
  if (says === undefined) return applied && failure === undefined ? undefined : `did not go on: ${String(failure)}`;
  if (applied) return 'was applied';
  if (!(failure instanceof OperatorError || failure instanceof RecordError)) return `not told: ${String(failure)}`;
  if (!says.test(failure.message)) return `another message: ${failure.message}`;
  return failure.advice === undefined ? `no remedy: ${failure.message}` : undefined;
}

/** After how many cases a sink runs on what is stored: what stopped one is what was read, and nothing else. */
const RECOVERY = 8;

async function tryAll(cases: readonly BadPayload[]): Promise<void> {
  await using world = await World.open();
  const wrong: string[] = [];
  for (const [i, each] of cases.entries()) {
    const answer = await world.answerTo(each).catch((error: unknown): Answer => ({ failure: error, applied: true }));
    const { message = 'passed over', advice = '' } = (answer.failure ?? {}) as Partial<OperatorError>;
    show(each, message, advice);
    const problem = wrongOf(each, answer);
    if (problem !== undefined) wrong.push(`${each.at}: ${each.state}: ${problem}`);
    if (answer.applied || (i % RECOVERY !== 0 && i < cases.length - 1)) continue;
    const { applied, failure } = await world.recover();
    if (!applied) wrong.push(`${each.at}: ${each.state}: does not go on afterwards: ${String(failure)}`);
  }
  expect(wrong).toEqual([]);
  for (const each of cases)
    if (each.says === undefined && !['row', 'checkpoint', 'truncate'].includes(each.at)) await world.keep(each);
  const first = world.replication.startSink();
  await world.replication.settled();
  await first.stop();
  expect(await world.replication.expectEqual('item', 'other')).toBeGreaterThan(cases.length);
}

test('what stands between the records of a pipeline is passed over, or the sink stops and says why', async () => {
  await tryAll([...STRAYS, ...FORGED]);
});

test('a damaged record stops the sink with its place, and nothing of it is applied', async () => {
  await tryAll(FAULTS);
});
