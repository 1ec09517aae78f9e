import { expect, test } from 'vitest';
import { Batch } from '../../src/change/batch.ts';
import { BatchEncoder } from '../../src/pipeline/encode-batch.ts';
import { avroConverter, column, memoryStore, table } from '../converter/fixture.ts';
import { collectGarbage } from '../support/garbage.ts';

const { signal } = new AbortController();

test('a table version that its source has no rows of any more is forgotten', async () => {
  const encoder = new BatchEncoder({
    prefix: 'srv',
    converter: avroConverter(memoryStore()),
    tombstones: false,
    now: () => 0,
    topicsFor: async (tables) => tables.map(() => ({ name: 'srv.public.t', partitions: 1 })),
    recordBatchBytes: 10_000,
  });
  const announced = async (version: number): Promise<WeakRef<object>> => {
    const announcing = new Batch();
    const versioned = { ...table([column('id', 'int4')]), version };
    announcing.addControl({ kind: 'table', table: versioned }, 0, 0);
    encoder.beginInterval(1, version);
    await encoder.prepare(announcing, signal);
    encoder.encode(announcing);
    return new WeakRef(versioned);
  };
  const first = await announced(1);
  await announced(2);
  await collectGarbage();
  expect(first.deref()).toBeUndefined();
});
