import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BundledThread, bundleThread } from './bundled-thread.ts';
import { expectFollowed, openWorld, surviveDeaths } from './pool-world.ts';

let thread: BundledThread;
beforeAll(async () => {
  thread = await bundleThread('mortal-entry.ts');
});
afterAll(async () => await thread[Symbol.asyncDispose]());

for (const threads of ['this thread', 'other threads']) {
  describe(`connectors in ${threads}`, () => {
    test('replicate, and go on at once when they are stopped and started again', async () => {
      const world = await openWorld(threads === 'this thread' ? {} : { thread });
      const { source, startSource, startSink } = world;
      const sink = startSink();
      let running = startSource();
      for (let round = 1; round <= 3; round++) {
        await source.query(/* sql */ `insert into item values (${round * 100}, 'streamed');
          insert into tally values (${round})`);
        await expectFollowed(world);
        await running.stop();
        expect(running.status().state).toBe('stopped');
        await source.query(/* sql */ `insert into tally values (${round * 1000})`);
        running = startSource();
      }
      await expectFollowed(world);
      await expect
        .poll(() => running.status(), { timeout: 10_000 })
        .toMatchObject({ kind: 'source', state: 'streaming' });
      await expect
        .poll(() => sink.status(), { timeout: 10_000 })
        .toMatchObject({
          kind: 'sink',
          state: 'streaming',
          lagMs: expect.any(Number),
        });
    });
  });
}

test('connectors whose threads die under load lose nothing and repeat nothing', async () => {
  await surviveDeaths(await openWorld({ thread }));
});
