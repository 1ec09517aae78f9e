import { expect, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { Converter } from '../../src/converter/converter.ts';
import type { Log } from '../../src/log/log.ts';
import { schemaChangesTopic } from '../../src/log/protocol/topics.ts';
import { noTimes } from '../../src/pipeline/lag.ts';
import { runSink } from '../../src/pipeline/sink-loop.ts';
import { starting } from '../../src/pipeline/stage.ts';
import { controlTopic } from '../../src/pipeline/topics.ts';
import type { Ownership, Progress, Sink } from '../../src/sink/sink.ts';
import { append, CLAIM, PREFIX, signal, withLog } from './ledger-world.ts';

const RECORDS = 100;
const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} };

/** Checkpoints of a hundred records each, of a topic that the sink leaves out: so there is nothing to read but themselves. */
async function store(log: Log, claim: number, count: number): Promise<void> {
  const position = (number: number): string => String(number).padStart(9, '0');
  let before: number | undefined;
  for (let number = 0; number < count; number++) {
    before = await append(log, {
      kind: 'checkpoint',
      logId: 'log',
      nonce: String(number),
      claim,
      number,
      previous: before === undefined ? null : { offset: before, claim, position: position(number - 1) },
      position: position(number),
      spans: [{ topic: `${PREFIX}.public.left_out`, partition: 0, base: number * RECORDS, count: RECORDS }],
      topicIds: {},
      committedAt: 0,
      consistent: true,
    });
  }
}

/** Runs a sink until it has applied checkpoint `last`; returns the last checkpoint of each of its target transactions. */
async function transactions(log: Log, last: number, progress?: Progress): Promise<Progress[]> {
  const stop = new AbortController();
  const committed: Progress[] = [];
  const sink: Sink = {
    claim: async (): Promise<Ownership> => ({ epoch: 1, progress }),
    begin: () => Promise.reject(new Error('There are no rows')),
    commitOne: async (_owned, _batch, now) => {
      committed.push(now);
      if (now.number === last) stop.abort();
    },
    [Symbol.asyncDispose]: async () => {},
  };
  await runSink(
    {
      sink,
      log,
      converter: {} as Converter,
      clock,
      name: 'replica',
      prefix: PREFIX,
      filter: { topics: [`${PREFIX}.public.other`], topicsRegex: [] },
      fetchBytes: 1 << 20,
      chunkBytes: 1 << 20,
      groupRecords: 1500,
      progress: { state: 'starting', stage: starting(0), applied: undefined, ...noTimes() },
    },
    stop.signal,
  );
  return committed;
}

test('behind a backlog the first target transactions of a run are small, and then larger ones follow', async () => {
  await withLog(async (log) => {
    await log.createTopics([controlTopic(schemaChangesTopic(PREFIX))], signal);
    await store(log, await append(log, CLAIM), 60);
    const first = await transactions(log, 59);
    const sizes = first.map(({ number }, i) => number - (first[i - 1]?.number ?? -1));
    expect(sizes).toEqual([5, 10, 15, 15, 15]);
    const again = await transactions(log, 59, first[1]);
    expect(again[0]?.number).toBe(14 + 5);
  });
});
