import { expect, test } from 'vitest';
import type { Logger } from '../../src/observe/logger.ts';
import { noCommits } from '../../src/worker/counting-sink.ts';
import { starting } from '../../src/pipeline/stage.ts';
import { logStates } from '../../src/worker/state-log.ts';
import { type ConnectorState, type ConnectorStatus, NO_FAILURES } from '../../src/worker/status.ts';

test('copying and streaming are told once, each time they begin', async () => {
  const states: ConnectorState[] = [
    'starting',
    'snapshot',
    'snapshot',
    'streaming',
    'streaming',
    'retrying',
    'streaming',
  ];
  const stop = new AbortController();
  const told: string[] = [];
  const nothing = (): void => {};
  const logger: Logger = { debug: nothing, info: (fact) => told.push(fact), warn: nothing, error: nothing };
  const statuses = (): ConnectorStatus[] => {
    const state = states.shift() ?? 'stopped';
    if (states.length === 0) stop.abort();
    return [
      {
        kind: 'sink',
        name: 's',
        state,
        stage: starting(0),
        failure: undefined,
        failures: NO_FAILURES,
        counts: noCommits(),
        lagMs: undefined,
      },
    ];
  };
  await logStates(statuses, { now: () => 0, monotonic: () => 0, sleep: async () => {} }, logger, stop.signal);
  expect(told).toEqual(['first copy began', 'streaming', 'streaming']);
});
