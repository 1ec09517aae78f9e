import { expect, test } from 'vitest';
import { brokenView, failedView, serve, sinkView } from '../worker/rest/fake-daemon.ts';
import { writeDaemonFile } from '../../src/worker/daemon-file.ts';
import { askedDaemon, rowcast } from './asked-daemon.ts';

const asked = askedDaemon();
const { daemon } = asked;
const status = (...args: readonly string[]): ReturnType<typeof rowcast> =>
  rowcast('status', '--state', asked.state, ...args);

test('connectors that are well are a line each', async () => {
  await asked.runs();
  const { code, out } = await status();
  const [titles, ...lines] = out.trimEnd().split('\n');
  expect(titles).toMatch(/^CONNECTOR +TYPE +STATE +STAGE +SINCE +LAG +CHANGES +POSITION$/);
  expect(lines).toEqual([
    expect.stringMatching(/^shop-sink +sink +streaming +waiting for a checkpoint +\d+ d +1\.5 s +15 +0\/98$/),
    '  lacks rows until they are copied: public.late, public.orders',
    expect.stringMatching(/^shop-source +source +streaming +waiting for changes +\d+ d +- +11 +0\/99$/),
    '  copying: 25 % (1 of 4 tables, 30 rows)',
  ]);
  expect(code).toBe(0);
});

test('what is wrong stands below with what to do, and the exit code says so', async () => {
  await asked.runs();
  daemon.views = [brokenView(), failedView(), sinkView()];
  const { code, out } = await status();
  expect(out).toMatch(
    /^failed-source .*\n {2}copying: .*\n {2}Slot "s" was invalidated\n {2}Take a new snapshot\.\nshop-sink/m,
  );
  expect(out).toMatch(
    /^broken +unknown +invalid .*\n.*connector\.class is required\n {2}Correct connectors\/broken\.json\.$/m,
  );
  expect(code).toBe(1);
  expect((await status('shop-sink')).code).toBe(0);
});

test('a program is told the same', async () => {
  await asked.runs();
  daemon.views = [failedView()];
  const { code, out } = await status('failed-source', '--json');
  expect(JSON.parse(out)).toMatchObject([
    {
      name: 'failed-source',
      type: 'source',
      health: 'unhealthy',
      state: 'failed',
      changes: 11,
      lag_ms: null,
      position: '0000000000000099',
      problem: 'Slot "s" was invalidated',
      remedy: 'Take a new snapshot.',
      failures: { operator: 1 },
    },
  ]);
  expect(code).toBe(1);
});

test('a daemon that is still starting is not well yet', async () => {
  await asked.runs();
  daemon.isReady = false;
  expect((await status()).code).toBe(1);
});

test('says that no daemon runs, or that it cannot be asked', async () => {
  const none = { code: 1, err: expect.stringMatching(/^No daemon runs on the state directory .*\nStart it with/) };
  expect(await status()).toMatchObject(none);
  const gone = await serve(daemon);
  await gone[Symbol.asyncDispose]();
  await asked.runs(gone.url);
  expect(await status()).toMatchObject(none);
  await writeDaemonFile(asked.state, { pid: process.pid, url: undefined, version: '1', key: 'k' });
  expect(await status()).toMatchObject({ code: 1, err: expect.stringContaining('listens nowhere') });
});

test('a name that no connector has is wrong usage', async () => {
  await asked.runs();
  expect(await status('shop-sin')).toMatchObject({ code: 2, err: expect.stringContaining('did you mean shop-sink?') });
});
