import { expect, test } from 'vitest';
import { Batch } from '../../src/change/batch.ts';
import type { Log } from '../../src/log/log.ts';
import { schemaChangesTopic } from '../../src/log/protocol/topics.ts';
import { BatchEncoder } from '../../src/pipeline/encode-batch.ts';
import { loadTableVersions, TableVersions } from '../../src/pipeline/table-versions.ts';
import { controlTopic } from '../../src/pipeline/topics.ts';
import { avroConverter, column, memoryStore, table } from '../converter/fixture.ts';
import { PREFIX, signal, withLog } from './ledger-world.ts';

const COLUMNS = [column('id', 'int4'), column('t', 'text')];

test('what every claim announces anew is there once, and a change is not lost', () => {
  const versions = new TableVersions('srv');
  const first = table(COLUMNS, { version: 1 });
  const again = table(structuredClone(COLUMNS), { version: 4 });
  const altered = table([...COLUMNS, column('u', 'text')], { version: 5 });
  versions.add(1, first);
  versions.add(2, again);
  versions.add(2, altered, 7);
  expect(versions.get(2, 4)).toEqual(again);
  expect(versions.get(2, 4).columns).toBe(versions.get(1, 1).columns);
  expect(versions.get(2, 5)).toEqual(altered);
  expect(versions.announced(7)).toEqual([altered]);
});

/** Announces version 1 of a table under a claim. */
async function announce(log: Log, claim: number): Promise<void> {
  const encoder = new BatchEncoder({
    prefix: PREFIX,
    converter: avroConverter(memoryStore()),
    tombstones: false,
    now: () => 0,
    topicsFor: async (tables) => tables.map(({ name }) => ({ name, partitions: 1 })),
    recordBatchBytes: 10_000,
  });
  const batch = new Batch();
  batch.addControl({ kind: 'table', table: table(COLUMNS, { version: 1 }) }, 0, 0);
  encoder.beginInterval(claim, 0);
  await encoder.prepare(batch, signal);
  await log.publish(encoder.encode(batch), undefined, signal);
}

test('of what was announced only that of a claim and of later ones is taken up', async () => {
  await withLog(async (log) => {
    await log.createTopics([controlTopic(schemaChangesTopic(PREFIX))], signal);
    for (const claim of [3, 8, 5, 12]) await announce(log, claim); // 5 was replaced, and does not know yet
    const versions = await loadTableVersions(log, PREFIX, 8, signal);
    expect(versions.get(8, 1).columns).toEqual(COLUMNS);
    expect(versions.get(12, 1).columns).toEqual(COLUMNS);
    expect(() => versions.get(3, 1)).toThrow('version 1 of claim 3 is missing');
    expect(() => versions.get(5, 1)).toThrow('version 1 of claim 5 is missing');
    expect(versions.announced(0)).toHaveLength(2);
  });
});

test('what the claims before one have announced is forgotten', () => {
  const versions = new TableVersions('srv');
  for (const claim of [1, 2, 3]) versions.add(claim, table([column('id', 'int4')]));
  versions.forgetBefore(3);
  expect(() => versions.get(2, 1)).toThrow('version 1 of claim 2 is missing');
  expect(versions.get(3, 1)).toBeDefined();
});
