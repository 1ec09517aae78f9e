import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { TransientError } from '../../src/errors.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { Segments } from '../../src/log/embedded/segments.ts';
import { ReopeningLog } from '../../src/worker/reopening-log.ts';
import { texts } from '../log/records.ts';

const signal = new AbortController().signal;

test('is opened again as often as it takes when the disk is still full', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-log-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  let isFull = false;
  const open = vi.fn(() => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { syscall: 'write' });
    return isFull ? Promise.reject(full) : openEmbeddedLog(directory);
  });
  await using log = await ReopeningLog.open(open);
  await log.createTopics([{ name: 'data', partitions: 1, config: {} }], signal);
  vi.spyOn(Segments.prototype, 'commit').mockRejectedValueOnce(new Error('ENOSPC'));
  const publish = async (text: string): Promise<unknown> =>
    await log.publish([texts('data', 0, [text])], undefined, signal).catch((error: unknown) => error);
  expect(await publish('broken')).toBeInstanceOf(TransientError);

  // No mark can be written into the lock either.
  const [lock = ''] = (await readdir(directory)).filter((name) => name.startsWith('lock-'));
  const inTheWay = join(directory, `${lock}.tmp`);
  await mkdir(inTheWay);
  isFull = true;
  for (let i = 0; i < 3; i++) expect(await publish('refused')).toBeInstanceOf(TransientError);
  await rm(inTheWay, { recursive: true });
  isFull = false;
  expect(await publish('stored')).not.toBeInstanceOf(Error);
  expect(await log.bounds('data', 0, signal)).toEqual({ start: 0, end: 1 });
  expect(open).toHaveBeenCalledTimes(4);
});
