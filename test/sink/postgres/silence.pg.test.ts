import { expect, onTestFinished, test } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { createPostgresSink } from '../../../src/sink/postgres/postgres-sink.ts';
import { Session } from '../../../src/sink/postgres/session.ts';
import { resolveSinkSettings } from '../../../src/sink/postgres/settings.ts';
import { FaultProxy } from '../../../src/torture/fault-proxy.ts';
import { postgresDialogue } from '../../../src/torture/dialogues.ts';
import { freshDatabase } from '../../support/postgres.ts';
import { progressAfter, SIGNAL } from './replica.ts';

const QUIET_MS = 300;

test('a COMMIT whose answer never comes is given up, and progress says what became of it', async () => {
  await using database = await freshDatabase('silence');
  const proxy = await FaultProxy.start(() => database.settings as { host: string; port: number }, postgresDialogue);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const connection = { ...database.settings, port: proxy.port };
  await using sink = createPostgresSink({ connection, name: 'copy', prefix: 'shop', quietMs: QUIET_MS });
  const owned = await sink.claim(SIGNAL);
  let hits = 0;
  proxy.lose('COMMIT', 'silent', () => hits++);
  const progress = progressAfter(owned);
  await expect(sink.commitOne(owned, undefined, progress, false, SIGNAL)).rejects.toThrow(TransientError);
  expect(hits).toBe(1);
  expect((await sink.claim(SIGNAL)).progress).toEqual(progress);
});

test('a statement that takes its time is waited for', async () => {
  await using database = await freshDatabase('silence');
  const settings = { connection: database.settings, name: 'copy', prefix: 'shop', quietMs: QUIET_MS };
  await using session = await Session.open(resolveSinkSettings(settings), SIGNAL);
  const [slept] = await session.run(/* sql */ `select 'awake' from pg_sleep(2.5)`, 'Cannot sleep', SIGNAL);
  expect(slept?.rows).toEqual([['awake']]);
});
