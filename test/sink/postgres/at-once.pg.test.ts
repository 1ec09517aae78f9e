import { describe, expect, test } from 'vitest';
import { OperatorError, RecordError, TransientError } from '../../../src/errors.ts';
import { createPostgresSink } from '../../../src/sink/postgres/postgres-sink.ts';
import type { Ownership, Sink } from '../../../src/sink/sink.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { batchOf, type Change, insert, keyChange, remove, table, update, updateFrom } from '../batches.ts';
import { holding, losing, untilWaiting } from './proxies.ts';
import { progressAfter, SIGNAL } from './replica.ts';

const items = table('items', ['id int*', 'name text']);
const pairs = table('pairs', ['a int', 'b text'], { identity: 'full' });
const CREATE = 'create table items (id int primary key, name text unique); create table pairs (a int, b text)';

/** A sink that knows its tables, so that what is small goes at once. */
interface Small extends AsyncDisposable {
  readonly sink: Sink;
  owned: Ownership;
  commit(...changes: Change[]): Promise<void>;
}

interface How {
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly lockTimeoutMs?: number;
}

/** The next owner: it has claimed, and finds its tables at its first commit. */
async function ownerOf({ settings }: Database, { lockTimeoutMs = 300, ...more }: How = {}): Promise<Small> {
  const connection = { ...settings, ...more };
  const sink = createPostgresSink({ connection, name: 'copy', prefix: 'shop', lockTimeoutMs });
  const small: Small = {
    sink,
    owned: await sink.claim(SIGNAL),
    async commit(...changes) {
      const progress = progressAfter(small.owned);
      await sink.commitOne(small.owned, batchOf(changes), progress, false, SIGNAL);
      small.owned = { ...small.owned, progress };
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
  return small;
}

async function smallOn(database: Database, how: How = {}): Promise<Small> {
  const small = await ownerOf(database, how);
  await small.commit(insert(items, '1', 'one'), insert(pairs, '1', 'x'), insert(pairs, '1', 'x'));
  return small;
}

/** The queries that stand in what a client has sent. */
function queriesIn(sent: readonly Buffer[]): string[] {
  const bytes = Buffer.concat(sent);
  const queries: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
    if (bytes[at] === 'Q'.charCodeAt(0)) queries.push(bytes.toString('utf8', at + 5, at + bytes.readUInt32BE(at + 1)));
  }
  return queries;
}

/** Rows and the offset that progress has. */
async function state(database: Database): Promise<{ items: string[]; pairs: string[]; at: string | null }> {
  const rows = async (name: string): Promise<string[]> =>
    (await database.query<{ row: string }>(`select t::text as row from ${name} t order by 1`)).map(({ row }) => row);
  const [found] = await database.query<{ at: string | null }>(
    'select checkpoint_offset::text as at from rowcast.progress',
  );
  return { items: await rows('items'), pairs: await rows('pairs'), at: found?.at ?? null };
}

describe('a small transaction', () => {
  test('goes in one message, whatever its changes are', async () => {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    await using proxy = await holding(database);
    await using small = await smallOn(database, { port: proxy.port });
    proxy.sent.length = 0;
    await small.commit(
      insert(items, '2', "it's"),
      update(items, '1', 'uno'),
      keyChange(items, ['1', null], ['3', 'tre']),
      remove(pairs, '1', 'x'),
      updateFrom(pairs, ['1', 'x'], ['1', null]),
      insert(pairs, '2', '\\'),
    );
    expect(queriesIn(proxy.sent)).toHaveLength(1);
    expect(await state(database)).toEqual({ items: ["(2,it's)", '(3,tre)'], pairs: ['(1,)', '(2,"\\\\")'], at: '2' });
    proxy.sent.length = 0;
    await small.sink.commitOne(small.owned, undefined, progressAfter(small.owned), true, SIGNAL);
    const [query, ...rest] = queriesIn(proxy.sent);
    expect(rest).toEqual([]);
    expect(query).toContain('set local synchronous_commit = on');
    expect((await state(database)).at).toBe('3');
  });

  test('that a unique constraint objects to takes the way around', async () => {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    await using small = await smallOn(database);
    await small.commit(insert(items, '2', 'two'));
    await small.commit(update(items, '1', 'x'), update(items, '2', 'one'), update(items, '1', 'two'));
    expect(await state(database)).toMatchObject({ items: ['(1,two)', '(2,one)'], at: '3' });
  });

  test('that a constraint refuses leaves rows and progress as they were, and the session usable', async () => {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    await using small = await smallOn(database);
    const before = await state(database);
    await expect(small.commit(insert(items, '2', 'two'), insert(items, '3', 'one'))).rejects.toThrow(RecordError);
    expect(await state(database)).toEqual(before);
    await small.commit(insert(items, '2', 'two'));
    expect(await state(database)).toMatchObject({ items: ['(1,one)', '(2,two)'], at: '2' });
  });

  test('stops when other rows were affected than were at the source', async () => {
    await using database = await freshDatabase('once');
    await database.query(`${CREATE}; create function refuse() returns trigger language plpgsql as 'begin return null; end';
      create trigger refuse before insert on items for each row when (new.id = 7) execute function refuse();
      alter table items enable always trigger refuse`);
    await using small = await smallOn(database);
    const before = await state(database);
    const differing = [
      [update(items, '9', 'none')],
      [remove(items, '9', null)],
      [keyChange(items, ['9', null], ['10', 'none'])],
      [remove(pairs, '5', 'none')],
      [updateFrom(pairs, ['5', 'none'], ['6', 'none'])],
      [insert(items, '7', 'seven')],
    ];
    for (const changes of differing) {
      const committed = small.commit(insert(items, '2', 'two'), ...changes);
      await expect(committed).rejects.toThrow(OperatorError);
      await expect(committed).rejects.toThrow(/differs: of \d rows that the source \w+.*, \d were affected/);
      expect(await state(database)).toEqual(before);
    }
  });

  test('that a deferred constraint refuses at COMMIT leaves nothing', async () => {
    await using database = await freshDatabase('once');
    const role = `role_${database.settings.database}`;
    await database.query(`${CREATE}; alter table pairs add foreign key (a) references items deferrable initially deferred;
      create role ${role} login password 'x'; grant create on database ${database.settings.database} to ${role};
      grant all on schema public to ${role}; alter table items owner to ${role}; alter table pairs owner to ${role}`);
    {
      await using small = await smallOn(database, { user: role, password: 'x' });
      const before = await state(database);
      await expect(small.commit(insert(pairs, '2', 'orphan'))).rejects.toThrow(/deferred constraint/);
      expect(await state(database)).toEqual(before);
      await small.commit(insert(pairs, '2', 'x'), insert(items, '2', 'two'));
      expect(await state(database)).toMatchObject({ items: ['(1,one)', '(2,two)'], at: '2' });
    }
    await database.query(`drop owned by ${role} cascade; drop role ${role}`);
  });
});

describe('a small transaction of an earlier owner', () => {
  test('is refused when the epoch was raised, when progress moved, and when the row is gone', async () => {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    await using zombie = await smallOn(database);
    const old = zombie.owned;
    await zombie.commit(insert(items, '2', 'two'));
    zombie.owned = old;
    await expect(zombie.commit(insert(items, '3', 'zombie'))).rejects.toThrow(/moved \(to checkpoint 2\)/);
    await using sink = await ownerOf(database);
    zombie.owned = { ...old, progress: sink.owned.progress };
    await expect(zombie.commit(insert(items, '3', 'zombie'))).rejects.toThrow(/claimed by another owner/);
    expect(await state(database)).toMatchObject({ items: ['(1,one)', '(2,two)'], at: '2' });
    await database.query('delete from rowcast.progress');
    await expect(sink.commit(insert(items, '3', 'zombie'))).rejects.toThrow(OperatorError);
    expect((await state(database)).items).toEqual(['(1,one)', '(2,two)']);
  });

  test('does nothing when it arrives behind the claim, or behind the next commit', async () => {
    for (const commits of [false, true]) {
      await using database = await freshDatabase('once');
      await database.query(CREATE);
      await using proxy = await holding(database);
      await using zombie = await smallOn(database, { port: proxy.port });
      const onTheWay = proxy.hold();
      const late = zombie.commit(insert(items, '2', 'zombie'), remove(pairs, '1', 'x'));
      await onTheWay;
      await using sink = await ownerOf(database);
      if (commits) await sink.commit(insert(items, '3', 'three'));
      const before = await state(database);
      proxy.letGo();
      await expect(late).rejects.toThrow(TransientError);
      expect(await state(database)).toEqual(before);
    }
  });

  test('that waits inside of its message is ended by the claim, and leaves nothing', async () => {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    // Longer than the claim's patience: the lock of the items is what it waits for, the progress row what it holds.
    await using zombie = await smallOn(database, { lockTimeoutMs: 60_000 });
    const before = await state(database);
    await database.query('begin; lock table items');
    const stale = zombie.commit(insert(items, '2', 'zombie'));
    const refused = expect(stale).rejects.toThrow(TransientError);
    await untilWaiting(database);
    await using sink = createPostgresSink({
      connection: database.settings,
      name: 'copy',
      prefix: 'shop',
      lockTimeoutMs: 100,
    });
    const owned = await sink.claim(SIGNAL);
    await refused;
    await database.query('commit');
    expect(owned.progress?.checkpointOffset).toBe(1);
    expect(await state(database)).toEqual(before);
  });

  test('that commits while the claim waits is what the claim finds', async () => {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    await using earlier = await smallOn(database, { lockTimeoutMs: 60_000 });
    await database.query('begin; lock table items');
    const committed = earlier.commit(insert(items, '2', 'two'));
    await untilWaiting(database);
    await using sink = createPostgresSink({
      connection: database.settings,
      name: 'copy',
      prefix: 'shop',
      lockTimeoutMs: 60_000,
    });
    const claim = sink.claim(SIGNAL);
    await database.query('commit');
    await committed;
    expect((await claim).progress).toEqual(earlier.owned.progress);
  });
});

test('a connection that is lost in a small transaction leaves the outcome to the progress row, both ways', async () => {
  for (const reaches of [true, false]) {
    await using database = await freshDatabase('once');
    await database.query(CREATE);
    await using proxy = await losing(database, reaches);
    await using small = await smallOn(database, { port: proxy.port });
    const before = await state(database);
    proxy.arm();
    await expect(small.commit(insert(items, '2', 'two'))).rejects.toThrow(/outcome of COMMIT .* is unknown/);
    const { progress } = await small.sink.claim(SIGNAL);
    expect(progress?.checkpointOffset).toBe(reaches ? 2 : 1);
    expect(await state(database)).toEqual(reaches ? { ...before, items: ['(1,one)', '(2,two)'], at: '2' } : before);
  }
});
