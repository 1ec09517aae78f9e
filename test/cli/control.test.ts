import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { failedView } from '../worker/rest/fake-daemon.ts';
import { askedDaemon, rowcast } from './asked-daemon.ts';

const asked = askedDaemon();
const { daemon } = asked;
beforeEach(async () => void (await asked.runs()));

test('a connector is restarted, and the command ends when it runs', async () => {
  expect(await rowcast('restart', 'shop-source', '--state', asked.state)).toEqual({
    code: 0,
    out: 'shop-source is RUNNING\n',
    err: '',
  });
  expect(daemon.changes).toEqual([['restart', 'shop-source']]);
});

test('one that fails is told with what to do, and exit code 1', async () => {
  daemon.views = [failedView()];
  const { code, out } = await rowcast('resume', 'failed-source', '--state', asked.state);
  expect([code, out]).toEqual([1, 'failed-source is FAILED: Slot "s" was invalidated\nTake a new snapshot.\n']);
  expect(daemon.changes).toEqual([['setTarget', 'failed-source', 'RUNNING']]);
  const { out: json } = await rowcast('resume', 'failed-source', '--state', asked.state, '--json');
  expect(JSON.parse(json)).toMatchObject({ name: 'failed-source', connector: { state: 'FAILED' } });
});

test('a name that is not known, and a daemon that does not run, are said', async () => {
  expect(await rowcast('restart', 'shop-sorce', '--state', asked.state)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^There is no connector "shop-sorce"\nDid you mean shop-source\?/) as unknown,
  });
  expect(daemon.changes).toEqual([]);
  expect(await rowcast('pause', 'shop-source', '--state', join(asked.state, 'empty'))).toMatchObject({
    code: 1,
    err: expect.stringContaining('No daemon runs on the state directory') as unknown,
  });
});
