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

test('a slot that is in use, or under another connector now, is not told, and one on another server not as seen', async () => {
  await lookFor([source('a.json', 'a', 'slot_a'), source('c.json', 'c', 'slot_c', 'elsewhere')]);
  const active: LookAtSlots = async (_, slots) => slots.map((slot) => ({ slot, isActive: true, keptBytes: 0 }));
  const unseen = expect.stringMatching(/"slot_c".*not looked at/);
  expect((await lookFor([source('b.json', 'b', 'slot_b')], active)).lines).toEqual([unseen]);
  expect((await lookFor([source('b.json', 'renamed', 'slot_a')])).lines.join()).not.toContain('slot_a');
});

test('a server that got another name leaves no slot behind', async () => {
  await lookFor([source('a.json', 'a', 'slot_a', 'localhost')]);
  expect((await lookFor([source('a.json', 'a', 'slot_a', '127.0.0.1')])).lines).toEqual([]);
});

test('a slot whose server cannot be looked at is told as such, with where it is and what removes it', async () => {
  await lookFor([source('a.json', 'a', 'slot_a')]);
  const failing: LookAtSlots = () => Promise.reject(new Error('no route'));
  const ways = [lookFor([source('b.json', 'b', 'slot_b')], failing), lookFor([]), lookFor([sink('s.json', 's')])];
  const why = ['not looked at: no route', 'not looked at: no connector leads to its server'];
  for (const [i, way] of ways.entries()) {
    const [line, ...others] = (await way).lines;
    expect(others).toEqual([]);
    for (const part of [
      why[Math.min(i, 1)],
      '"database":"shop"',
      "pg_drop_replication_slot('slot_a')",
      'rowcast delete a',
    ])
      expect(line).toContain(part);
  }
});

test('a slot that was not looked at is told again when it was seen', async () => {
  await lookFor([source('a.json', 'a', 'slot_a')]);
  const logger = new ToldLogger();
  const wanted: ConnectorFile[] = [];
  const slots = new OrphanedSlots(await KnownSlots.read(state, logger), () => wanted, logger, inactive);
  const look = async (): Promise<readonly string[]> => {
    slots.lookSoon();
    await slots.looked();
    return logger.lines.splice(0);
  };
  expect(await look()).toEqual([expect.stringContaining('not looked at')]);
  wanted.push(source('b.json', 'b', 'slot_b'));
  expect(await look()).toEqual([expect.stringContaining('"keptBytes":7')]);
  wanted.pop();
  expect(await look()).toEqual([expect.stringMatching(/slot_b.*not looked at/)]);
});

test('a slot that an operator dropped is told no more', async () => {
  await lookFor([source('a.json', 'a', 'slot_a')]);
  const logger = new ToldLogger();
  const slots = new OrphanedSlots(await KnownSlots.read(state, logger), () => [], logger, inactive);
  await slots.dropped('a');
  slots.lookSoon();
  await slots.looked();
  expect(logger.lines).toEqual([]);
  expect(readFileSync(join(state, 'slots.json'), 'utf8')).not.toContain('slot_a');
});

test('closing gives up a look that hangs', async () => {
  await lookFor([source('a.json', 'a', 'slot_a')]);
  const logger = new ToldLogger();
  const hanging: LookAtSlots = (_server, _slots, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const wanted = [source('b.json', 'b', 'slot_b')];
  const slots = new OrphanedSlots(await KnownSlots.read(state, logger), () => wanted, logger, hanging);
  slots.lookSoon();
  await new Promise(setImmediate);
  await slots[Symbol.asyncDispose]();
  expect(logger.lines).toEqual([]);
});

test('a list of an earlier version is read, and completed', async () => {
  const old = { connector: 'a', server: 'localhost:5432', slot: 'slot_a' };
  writeFileSync(join(state, 'slots.json'), JSON.stringify({ version: 1, slots: [old] }));
  expect((await lookFor([])).lines).toEqual([expect.stringContaining('or run on localhost:5432: select')]);
  await lookFor([source('a.json', 'a', 'slot_a')]);
  expect(JSON.parse(readFileSync(join(state, 'slots.json'), 'utf8'))).toEqual({
    version: 1,
    slots: [{ ...old, database: 'shop' }],
  });
});

test('a slot that is gone is forgotten', async () => {
  await lookFor([source('a.json', 'a', 'slot_a')]);
  await lookFor([source('b.json', 'b', 'slot_b')]);
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
