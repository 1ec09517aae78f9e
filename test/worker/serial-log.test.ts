import { expect, test } from 'vitest';
import type { Log } from '../../src/log/log.ts';
import { serialLog } from '../../src/worker/serial-log.ts';

test('publishes of several tasks wait for each other, failed ones too', async () => {
  let active = 0;
  const order: number[] = [];
  const log = {
    clusterId: 'c',
    publish: async (appends: readonly unknown[]) => {
      if (++active > 1) throw new Error('Two at once');
      await new Promise((resolve) => setImmediate(resolve));
      active--;
      order.push(appends.length);
      if (appends.length === 1) throw new Error('Not stored');
      return { spans: [], checkpoint: [] };
    },
  } as unknown as Log;
  const serial = serialLog(log);
  const { signal } = new AbortController();
  const appends = (count: number): never[] => Array.from({ length: count }) as never[];
  const results = await Promise.allSettled([0, 1, 2].map((count) => serial.publish(appends(count), undefined, signal)));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(order).toEqual([0, 1, 2]);
});
