import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OperatorError } from '../../../src/errors.ts';
import type { OperatorRequest } from '../../../src/worker/rest/daemon-view.ts';
import { DroppedSlots } from '../../../src/worker/slots/dropped-slots.ts';
import { newDirectory } from '../../log/embedded/directory.ts';
import { sink, source } from '../connectors/fixture.ts';

const shop = source('shop.json', 'shop', 'shop_slot');
const FAILURE = { message: 'Slot "shop_slot" was dropped', advice: 'Copy again' };
const DROPPED = { connector: 'shop', slot: 'shop_slot', ...FAILURE };

test('a slot that was dropped is remembered by the next process, for that connector and that slot', async () => {
  const directory = await newDirectory();
  await DroppedSlots.read(directory).add(DROPPED);
  const read = DroppedSlots.read(directory);
  expect(read.of(shop)).toMatchObject(FAILURE);
  expect(read.of(source('shop.json', 'shop', 'another_slot'))).toBeUndefined();
  expect(read.of(source('other.json', 'other', 'shop_slot'))).toBeUndefined();
  expect(read.of(sink('shop.json', 'shop'))).toBeUndefined();
});

test.each([
  [{ kind: 'reset', connector: 'shop' }, { kind: 'reset' }, false],
  [{ kind: 'accept', connector: 'shop', fromNow: true }, { accepted: { created: true } }, false],
  [{ kind: 'delete', connector: 'shop', dropSlot: false, dropPublication: false, dropProgress: false }, {}, false],
  [{ kind: 'accept', connector: 'shop' }, { accepted: null, why: 'its first copy is not finished' }, true],
  [{ kind: 'reset', connector: 'other' }, { kind: 'reset' }, true],
  [{ kind: 'offsets', connector: 'shop' }, {}, true],
] as const)('after %j with answer %j it stands against a start: %s', async (request, value, stands) => {
  const directory = await newDirectory();
  const dropped = DroppedSlots.read(directory);
  await dropped.add(DROPPED);
  await dropped.decided(request as OperatorRequest, { lines: [], value });
  for (const each of [dropped, DroppedSlots.read(directory)]) expect(each.of(shop) !== undefined).toBe(stands);
});

test('a list that is not what this version writes stops the start, and is left as it is', async () => {
  const directory = await newDirectory();
  const path = join(directory, 'dropped-slots.json');
  for (const text of ['', '{"version":2,"dropped":[]}', '{"version":1,"dropped":[{"connector":"shop"}]}']) {
    await writeFile(path, text);
    expect(() => DroppedSlots.read(directory)).toThrow(OperatorError);
    expect(await readFile(path, 'utf8')).toBe(text);
  }
});
