import { afterAll, beforeAll, describe, test } from 'vitest';
import { kafkaForTests } from '../../support/kafka.ts';
import { type BundledThread, bundleThread } from './bundled-thread.ts';
import { openWorld, surviveDeaths } from './pool-world.ts';

describe.skipIf(kafkaForTests() === undefined)('connectors over Kafka', () => {
  let thread: BundledThread;
  beforeAll(async () => {
    thread = await bundleThread('mortal-entry.ts');
  });
  afterAll(async () => await thread[Symbol.asyncDispose]());

  test('whose threads die under load lose nothing and repeat nothing', async () => {
    const { bootstrap } = kafkaForTests() as { bootstrap: string };
    await surviveDeaths(await openWorld({ thread, bootstrap }));
  });
});
