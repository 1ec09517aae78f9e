import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConnectorFile } from '../../../src/connector/load-file.ts';
import { KnownSlots } from '../../../src/worker/connectors/known-slots.ts';
import { type LookAtSlots, OrphanedSlots } from '../../../src/worker/connectors/orphaned-slots.ts';
import { sink, source, ToldLogger } from './fixture.ts';

let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'rowcast-slots-'));
});
afterEach(() => rmSync(state, { recursive: true }));

const inactive: LookAtSlots = async (_, slots) => slots.map((slot) => ({ slot, isActive: false, keptBytes: 7 }));

async function lookFor(
  wanted: ConnectorFile[],
  look: LookAtSlots = inactive,
): Promise<{ readonly lines: readonly string[] }> {
  const logger = new ToldLogger();
  const slots = new OrphanedSlots(await KnownSlots.read(state, logger), () => wanted, logger, look);
  slots.lookSoon();
  await slots.looked();
  return logger;
}

test('a slot that no connector uses any more is told at the next start, and while nothing changes once', async () => {
  expect((await lookFor([source('a.json', 'a', 'slot_a'), sink('s.json', 's')])).lines).toEqual([]);
  const logger = new ToldLogger();
  const slots = new OrphanedSlots(
    await KnownSlots.read(state, logger),
    () => [source('b.json', 'b', 'slot_b')],
    logger,
    inactive,
  );
  for (let i = 0; i < 3; i++) {
    slots.lookSoon();
    await slots.looked();
  }
  expect(logger.lines).toHaveLength(1);
  for (const part of ['slot_a', 'localhost:5432', '"connector":"a"', '"keptBytes":7', 'pg_drop_replication_slot'])
    expect(logger.lines[0]).toContain(part);
});

test('a removed connector shows the way to its server', async () => {
  const logger = new ToldLogger();
  const slots = new OrphanedSlots(await KnownSlots.read(state, logger), () => [], logger, inactive);
  slots.lookSoon(source('a.json', 'a', 'slot_a'));
  await slots.looked();
  expect(logger.lines.join()).toContain('slot_a');
});

test('a slot that is in use, or under another connector now, or on another server is not told', async () => {
  await lookFor([source('a.json', 'a', 'slot_a'), source('c.json', 'c', 'slot_c', 'elsewhere')]);
  const active: LookAtSlots = async (_, slots) => slots.map((slot) => ({ slot, isActive: true, keptBytes: 0 }));
  expect((await lookFor([source('b.json', 'b', 'slot_b')], active)).lines).toEqual([]);
  expect((await lookFor([source('b.json', 'renamed', 'slot_a')])).lines.join()).not.toContain('slot_a');
  expect((await lookFor([source('b.json', 'b', 'slot_b')])).lines.join()).not.toContain('slot_c');
});

test('a slot that is gone is forgotten, and a server that cannot be looked at changes nothing', async () => {
  await lookFor([source('a.json', 'a', 'slot_a')]);
  const failing: LookAtSlots = () => Promise.reject(new Error('no route'));
  expect((await lookFor([source('b.json', 'b', 'slot_b')], failing)).lines).toEqual([]);
  expect(readFileSync(join(state, 'slots.json'), 'utf8')).toContain('slot_a');
  expect((await lookFor([source('b.json', 'b', 'slot_b')], async () => [])).lines).toEqual([]);
  expect(readFileSync(join(state, 'slots.json'), 'utf8')).not.toContain('slot_a');
  expect(readFileSync(join(state, 'slots.json'), 'utf8')).toContain('slot_b');
});

test('a damaged list is begun anew', async () => {
  writeFileSync(join(state, 'slots.json'), '{');
  expect((await lookFor([source('a.json', 'a', 'slot_a')])).lines.join()).toContain('begun anew');
  expect(readFileSync(join(state, 'slots.json'), 'utf8')).toContain('slot_a');
});
