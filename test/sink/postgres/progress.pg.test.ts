import { describe, expect, test } from 'vitest';
import { OperatorError, RefusedError, TransientError } from '../../../src/errors.ts';
import type { OwnerName, SinkLife } from '../../../src/sink/postgres/claim-in-turn.ts';
import { createPostgresSink } from '../../../src/sink/postgres/postgres-sink.ts';
import type { Sink } from '../../../src/sink/sink.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { batchOf, insert, table } from '../batches.ts';
import { falling, losing, untilWaiting } from './proxies.ts';
import { progressAfter, replica, SIGNAL } from './replica.ts';

const items = table('items', ['id int*', 'name text']);

function sinkOn(
  database: Database,
  more: { port?: number; lockTimeoutMs?: number; name?: string; prefix?: string } = {},
  life?: SinkLife,
): Sink {
  const connection = { ...database.settings, port: more.port ?? database.settings.port };
  const { name = 'copy', prefix = 'shop', lockTimeoutMs = 300 } = more;
  return createPostgresSink({ connection, name, prefix, lockTimeoutMs }, undefined, life);
}

/** What the sink connector of a process remembers. */
function lifeOf(pid: number): SinkLife {
  return {
    owner: { daemon: `d-${pid}`, host: `host-${pid}`, pid, started: '2026-11-22T07:00:00.000Z' },
    hasClaimed: false,
  };
}

async function commitNext(sink: Sink): Promise<void> {
  const owned = await sink.claim(SIGNAL);
  await using transaction = await sink.begin(owned, SIGNAL);
  await transaction.commit(progressAfter(owned), false, SIGNAL);
}

describe('progress', () => {
  test('is what the last commit stored, and a claim raises the epoch', async () => {
    await using database = await freshDatabase('progress');
    await using sink = sinkOn(database);
    const first = await sink.claim(SIGNAL);
    expect(first).toEqual({ epoch: 1, progress: undefined });
    for (const durable of [false, true]) {
      const owned = await sink.claim(SIGNAL);
      await using transaction = await sink.begin(owned, SIGNAL);
      const progress = { ...progressAfter(owned), topicIds: { "it's": 'a\\b' } };
      await transaction.apply(batchOf([insert(items, String(owned.epoch), 'a')]), SIGNAL);
      await transaction.commit(progress, durable, SIGNAL);
      expect(await sink.claim(SIGNAL)).toEqual({ epoch: owned.epoch + 1, progress });
    }
  });

  test('a transaction that is not committed leaves nothing', async () => {
    await using target = await replica({}, 'create table items (id int primary key, name text)');
    const owned = await target.sink.claim(SIGNAL);
    {
      await using transaction = await target.sink.begin(owned, SIGNAL);
      await transaction.apply(batchOf([insert(items, '1', 'a')]), SIGNAL);
    }
    expect(await target.rows('items')).toEqual([]);
    await using again = await target.sink.begin(owned, SIGNAL);
    await again.commit(progressAfter(owned), false, SIGNAL);
  });

  test('is kept per connector and prefix', async () => {
    await using database = await freshDatabase('progress');
    for (const [name, prefix] of [
      ['a', 'p'],
      ["a'", 'p'],
      ['a', 'q'],
    ] as const) {
      await using sink = createPostgresSink({ connection: database.settings, name, prefix });
      expect((await sink.claim(SIGNAL)).epoch).toBe(1);
    }
  });

  test('that somebody deleted or edited stops the sink', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    await target.database.query('update rowcast.progress set checkpoint_offset = 99');
    await expect(target.sink.claim(SIGNAL)).rejects.toThrow(OperatorError);
    await target.database.query('delete from rowcast.progress');
    await expect(target.apply([insert(items, '2', 'b')])).rejects.toThrow(OperatorError);
  });
});

describe('ownership', () => {
  test('an earlier owner can neither begin nor find its place again', async () => {
    await using database = await freshDatabase('owner');
    await using zombie = sinkOn(database);
    await using sink = sinkOn(database);
    const old = await zombie.claim(SIGNAL);
    const owned = await sink.claim(SIGNAL);
    await expect(zombie.begin(old, SIGNAL)).rejects.toThrow(TransientError);
    await using transaction = await sink.begin(owned, SIGNAL);
    await transaction.commit(progressAfter(owned), false, SIGNAL);
    await expect(sink.begin(owned, SIGNAL)).rejects.toThrow(/moved/);
  });

  test('one that was replaced claims no more while its successor has a session, names it, and goes on behind it', async () => {
    await using database = await freshDatabase('owner');
    const lives = [lifeOf(1), lifeOf(2)] as const;
    await using first = sinkOn(database, {}, lives[0]);
    await commitNext(first);
    const old = await first.claim(SIGNAL);
    const second = sinkOn(database, {}, lives[1]);
    await commitNext(second);
    await expect(first.begin(old, SIGNAL)).rejects.toThrow(RefusedError);
    // As a run that is tried again has it: another sink, and the same life.
    await using again = sinkOn(database, {}, lives[0]);
    for (let i = 0; i < 2; i++) {
      const refused = await again.claim(SIGNAL).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(RefusedError);
      expect(refused).toMatchObject({
        message: expect.stringContaining(
          'process 2 on host-2, started 2026-11-22T07:00:00.000Z (daemon d-2)',
        ) as string,
        advice: expect.stringMatching(/stop one of them.* select pg_terminate_backend\(\d+\);$/) as string,
      });
    }
    await commitNext(second); // nobody has taken it away
    await second[Symbol.asyncDispose]();
    await expect
      .poll(
        () =>
          again.claim(SIGNAL).then(
            ({ epoch }) => epoch,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBe(5);
    await commitNext(again);
    await using started = sinkOn(database, {}, lifeOf(2)); // whoever runs, a start takes over
    await expect(started.claim(SIGNAL)).resolves.toMatchObject({ epoch: 7 });
  });

  test.each([
    [
      'whose progress was reset',
      'update rowcast.progress set epoch = epoch + 1, state = null, checkpoint_offset = null',
    ],
    ['by one that leaves no name', `update rowcast.progress set epoch = epoch + 1, state = state - 'owner'`],
    ['by an older one, whose claim leaves the name that it finds', 'update rowcast.progress set epoch = epoch + 1'],
    [
      'by one whose process of the server has another job by now',
      `update rowcast.progress set state = jsonb_set(state, '{owner,backend}', to_jsonb(pg_backend_pid()))`,
    ],
    [
      'by one whose session is gone, beside a sink of this name for another source',
      `update rowcast.progress set state = jsonb_set(state, '{owner,backend}', '0') where prefix = 'shop'`,
    ],
  ])('one that was replaced, %s, claims again', async (_, sql) => {
    await using database = await freshDatabase('owner');
    await using sink = sinkOn(database, {}, lifeOf(1));
    await commitNext(sink);
    const owned = await sink.claim(SIGNAL);
    await using other = sinkOn(database, { prefix: 'store' }, lifeOf(3));
    await commitNext(other);
    await using successor = sinkOn(database, {}, lifeOf(2)); // its session stays
    await commitNext(successor);
    await database.query(sql);
    await expect(sink.begin(owned, SIGNAL)).rejects.toThrow(RefusedError);
    await commitNext(sink);
  });

  test('one that was replaced before anything was applied waits too', async () => {
    await using database = await freshDatabase('owner');
    await using first = sinkOn(database, {}, lifeOf(1));
    const old = await first.claim(SIGNAL);
    await using second = sinkOn(database, {}, lifeOf(2));
    const owned = await second.claim(SIGNAL);
    expect(owned).toEqual({ epoch: 2, progress: undefined });
    await expect(first.begin(old, SIGNAL)).rejects.toThrow(RefusedError);
    await expect(first.claim(SIGNAL)).rejects.toThrow(/process 2 on host-2/);
    await using transaction = await second.begin(owned, SIGNAL);
    await transaction.commit(progressAfter(owned), false, SIGNAL);
  });

  test.each([
    ['daemon', { daemon: 'd-2' }],
    ['host', { host: 'host-2' }],
    ['process', { pid: 2 }],
    ['start', { started: '2026-11-22T08:00:00.000Z' }],
  ])('a successor that differs in its %s only is another one', async (_, difference) => {
    await using database = await freshDatabase('owner');
    const { owner } = lifeOf(1) as { owner: OwnerName };
    await using first = sinkOn(database, {}, { owner, hasClaimed: false });
    await commitNext(first);
    await using second = sinkOn(database, {}, { owner: { ...owner, ...difference }, hasClaimed: false });
    await commitNext(second);
    await expect(first.claim(SIGNAL)).rejects.toThrow(RefusedError);
  });

  test('a start whose claim has failed takes over when it is tried again', async () => {
    await using database = await freshDatabase('owner');
    await using first = sinkOn(database, {}, lifeOf(1));
    await commitNext(first);
    const life = lifeOf(2);
    await using second = sinkOn(database, {}, life);
    await database.query('begin; select from rowcast.progress for update');
    await expect(second.claim(SIGNAL)).rejects.toThrow(TransientError);
    await database.query('commit');
    await using again = sinkOn(database, {}, life);
    await commitNext(again);
  });

  test('one whose session its successor has ended does not take the target back', async () => {
    await using database = await freshDatabase('owner');
    const life = lifeOf(1);
    await using first = sinkOn(database, {}, life);
    await commitNext(first);
    const old = await first.claim(SIGNAL);
    await using transaction = await first.begin(old, SIGNAL); // it holds the row, as one does that was stopped here
    await using second = sinkOn(database, {}, lifeOf(2));
    await commitNext(second);
    await expect(transaction.commit(progressAfter(old), false, SIGNAL)).rejects.toThrow(TransientError);
    await using again = sinkOn(database, {}, life);
    await expect(again.claim(SIGNAL)).rejects.toThrow(/process 2 on host-2/);
  });

  test('one that has lost its connection claims again, though the server has not missed it', async () => {
    await using database = await freshDatabase('owner');
    const life = lifeOf(1);
    await using first = sinkOn(database, {}, life);
    await commitNext(first);
    await using again = sinkOn(database, {}, life);
    await commitNext(again);
  });

  test('a small transaction tells of a successor too, and signs what it stores', async () => {
    await using database = await freshDatabase('owner');
    const life = lifeOf(1);
    await using first = sinkOn(database, {}, life);
    const old = await first.claim(SIGNAL);
    await first.commitOne(old, undefined, progressAfter(old), false, SIGNAL);
    const [row] = await database.query(
      `select p.state->'owner' as owner, a.application_name as session from rowcast.progress p
        left join pg_stat_activity a on a.pid = (p.state->'owner'->>'backend')::int`,
    );
    expect(row).toMatchObject({ owner: { ...life.owner, epoch: 1 }, session: 'rowcast sink copy' });
    await using second = sinkOn(database, {}, lifeOf(2));
    const owned = await second.claim(SIGNAL);
    const late = { ...old, progress: progressAfter(old) };
    await expect(first.commitOne(late, undefined, progressAfter(owned), false, SIGNAL)).rejects.toThrow(RefusedError);
    await expect(first.claim(SIGNAL)).rejects.toThrow(/process 2 on host-2/);
  });

  test.each(['copy', 'réplica 日本', `a name ${'that is long '.repeat(20)}`])(
    'a claim of %s ends the open transaction of an earlier owner, whose rows are gone',
    async (name) => {
      await using target = await replica({}, 'create table items (id int primary key, name text)');
      await using zombie = sinkOn(target.database, { name });
      const old = await zombie.claim(SIGNAL);
      const stale = await zombie.begin(old, SIGNAL);
      await stale.apply(batchOf([insert(items, '1', 'zombie')]), SIGNAL);
      await using sink = sinkOn(target.database, { name });
      const owned = await sink.claim(SIGNAL);
      expect(owned).toEqual({ epoch: old.epoch + 1, progress: undefined });
      await expect(stale.commit(progressAfter(old), false, SIGNAL)).rejects.toThrow(TransientError);
      await stale[Symbol.asyncDispose]();
      expect(await target.rows('items')).toEqual([]);
    },
  );

  test('a claim waits for an earlier owner that commits in time, and sees its progress', async () => {
    await using database = await freshDatabase('owner');
    await using earlier = sinkOn(database);
    const old = await earlier.claim(SIGNAL);
    await using transaction = await earlier.begin(old, SIGNAL);
    await using sink = sinkOn(database, { lockTimeoutMs: 60_000 });
    const claim = sink.claim(SIGNAL);
    await untilWaiting(database);
    await transaction.commit(progressAfter(old), false, SIGNAL);
    expect(await claim).toEqual({ epoch: old.epoch + 1, progress: progressAfter(old) });
  });

  test('a claim never terminates a backend that is no sink', async () => {
    await using database = await freshDatabase('owner');
    await using sink = sinkOn(database);
    await sink.claim(SIGNAL);
    await database.query('begin; select from rowcast.progress for update');
    await expect(sink.claim(SIGNAL)).rejects.toThrow(/"rowcast test"/);
    await database.query('commit');
    expect((await sink.claim(SIGNAL)).epoch).toBe(2);
  });
});

describe('a lost connection', () => {
  test('in COMMIT leaves the outcome to the progress row, both ways', async () => {
    for (const reaches of [true, false]) {
      await using target = await replica({}, 'create table items (id int primary key, name text)');
      await using proxy = await losing(target.database, reaches);
      await using sink = sinkOn(target.database, { port: proxy.port });
      const owned = await sink.claim(SIGNAL);
      await using transaction = await sink.begin(owned, SIGNAL);
      await transaction.apply(batchOf([insert(items, '1', 'a')]), SIGNAL);
      proxy.arm();
      await expect(transaction.commit(progressAfter(owned), false, SIGNAL)).rejects.toThrow(
        /outcome of COMMIT .* is unknown/,
      );
      const after = await sink.claim(SIGNAL);
      expect(after.progress).toEqual(reaches ? progressAfter(owned) : undefined);
      expect(await target.rows('items')).toEqual(reaches ? [['1', 'a']] : []);
    }
  });

  test('between transactions is repaired by the next one', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    await target.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rowcast sink copy' and datname = current_database()",
    );
    await target
      .apply([insert(items, '2', 'b')])
      .catch((error: unknown) => expect(error).toBeInstanceOf(TransientError));
    await target.apply([insert(items, '3', 'c')]);
    expect((await target.rows('items')).at(-1)).toEqual(['3', 'c']);
  });

  test('is how an abort ends a statement that waits', async () => {
    await using target = await replica({ lockTimeoutMs: 60_000 }, 'create table items (id int primary key, name text)');
    const owned = await target.sink.claim(SIGNAL);
    await using transaction = await target.sink.begin(owned, SIGNAL);
    await target.database.query('begin; lock table items');
    const abort = new AbortController();
    const applied = transaction.apply(batchOf([insert(items, '1', 'a')]), abort.signal);
    await untilWaiting(target.database);
    abort.abort(new Error('stopped'));
    await expect(applied).rejects.toThrow('stopped');
    await target.database.query('commit');
  });
});

describe('a server that does not answer', () => {
  const CREATE = 'create table items (id int primary key, name text)';

  test('holds up neither an abort nor what follows it', async () => {
    await using target = await replica({}, CREATE);
    await using proxy = await falling(target.database);
    await using sink = sinkOn(target.database, { port: proxy.port });
    const owned = await sink.claim(SIGNAL);
    await using transaction = await sink.begin(owned, SIGNAL);
    proxy.fallSilent();
    const abort = new AbortController();
    const applied = transaction.apply(batchOf([insert(items, '1', 'a')]), abort.signal); // looks the table up
    abort.abort(new Error('stopped'));
    await expect(applied).rejects.toThrow('stopped');
  });

  test('is left when it was asked to commit, and when nothing is open', async () => {
    await using target = await replica({}, CREATE);
    await using proxy = await falling(target.database);
    await using sink = sinkOn(target.database, { port: proxy.port });
    await using idle = sinkOn(target.database, { port: proxy.port, name: 'idle' });
    await idle.claim(SIGNAL);
    const owned = await sink.claim(SIGNAL);
    await using transaction = await sink.begin(owned, SIGNAL);
    proxy.fallSilent();
    const abort = new AbortController();
    const committed = transaction.commit(progressAfter(owned), false, abort.signal);
    setImmediate(() => abort.abort(new Error('stopped')));
    await expect(committed).rejects.toThrow(/outcome of COMMIT .* is unknown/);
  });

  test('does not hold up the abort of a connection that is made', async () => {
    await using target = await replica();
    await using proxy = await falling(target.database);
    await using sink = sinkOn(target.database, { port: proxy.port });
    proxy.fallSilent();
    const abort = new AbortController();
    const claimed = sink.claim(abort.signal);
    abort.abort(new Error('stopped'));
    await expect(claimed).rejects.toThrow('stopped');
  });
});
