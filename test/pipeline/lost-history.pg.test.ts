import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PositionLostError } from '../../src/errors.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { type Database, freshDatabase, uniqueName } from '../support/postgres.ts';
import { memoryStore, Replication, type Running } from './replication.ts';

const store = memoryStore();

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-lost-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function freshPair(): Promise<{ source: Database; target: Database }> {
  const [source, target] = [await freshDatabase('source'), await freshDatabase('target')];
  onTestFinished(async () => {
    for (const each of [target, source]) await each[Symbol.asyncDispose]();
  });
  await source.query(/* sql */ `create table t (id int primary key); create table heap (v int);
    alter table heap replica identity full; insert into t values (1); insert into heap values (1)`);
  return { source, target };
}

interface Pair {
  readonly source: Pick<Database, 'settings'>;
  readonly target: Pick<Database, 'settings'>;
}

/** One life of the daemon on a log in this directory. */
async function live(
  { source, target }: Pair,
  directory: string,
  work: (replication: Replication) => Promise<void>,
): Promise<void> {
  const log = await openEmbeddedLog(directory);
  await using replication = await Replication.open({
    source: source.settings,
    target: target.settings,
    log,
    store: () => store,
  });
  await work(replication);
}

async function replicate(replication: Replication): Promise<void> {
  replication.startSource();
  replication.startSink();
  await replication.settled();
}

async function failureOf(task: Running): Promise<unknown> {
  await task.ended;
  return task.failure;
}

/** What both sides say, and what is in the replica then. */
async function refusals(
  databases: { readonly source: Database; readonly target: Database },
  directory: string,
): Promise<{ readonly source: unknown; readonly sink: unknown; readonly rows: unknown }> {
  let refused: { source: unknown; sink: unknown } | undefined;
  await live(databases, directory, async (replication) => {
    refused = {
      source: await failureOf(replication.startSource()),
      sink: await failureOf(replication.startSink()),
    };
  });
  const { source, sink } = refused as { source: unknown; sink: unknown };
  return { source, sink, rows: await databases.target.query(/* sql */ `select id from t order by id`) };
}

test('a log that was put back from an older copy stops both sides, and nothing is applied', async () => {
  const databases = await freshPair();
  const [directory, copy] = [await newDirectory(), await newDirectory()];
  await live(databases, directory, replicate);
  await cp(directory, copy, { recursive: true });
  await databases.source.query(/* sql */ `insert into t values (2)`);
  await live(databases, directory, replicate);
  await databases.source.query(/* sql */ `insert into t values (3)`);

  const { source, sink, rows } = await refusals(databases, copy);
  expect(source).toBeInstanceOf(PositionLostError);
  expect(String(source)).toMatch(/Slot \S+ stands at \S+, beyond the last checkpoint at \S+: a gap/);
  expect(sink).toBeInstanceOf(PositionLostError);
  expect(String(sink)).toContain('lost history');
  expect(rows).toEqual([{ id: 1 }, { id: 2 }]);
});

test('a log that was replaced by an empty one stops both sides, and nothing is applied', async () => {
  const databases = await freshPair();
  await live(databases, await newDirectory(), replicate);
  await databases.source.query(/* sql */ `insert into t values (2)`);

  const { source, sink, rows } = await refusals(databases, await newDirectory());
  expect(String(source)).toMatch(/Slot \S+ exists, but the log of shop knows nothing of it/);
  expect(sink).toBeInstanceOf(PositionLostError);
  expect(String(sink)).toContain('Topic shop.checkpoints was deleted and created again: its history is lost');
  expect(rows).toEqual([{ id: 1 }]);
});

test('a replica that was restored from a backup goes on from there, each row once', async () => {
  const { source, target } = await freshPair();
  const directory = await newDirectory();
  const [lived, backup] = [uniqueName('target'), uniqueName('backup')];
  const make = async (name: string, template: string): Promise<void> => {
    onTestFinished(async () => void (await target.query(/* sql */ `drop database if exists ${name} with (force)`)));
    await target.query(/* sql */ `create database ${name} template ${template}`);
  };
  const at = (database: string): Pair => ({ source, target: { settings: { ...target.settings, database } } });
  const write = (id: number): Promise<unknown> =>
    source.query(/* sql */ `insert into t values (${id}); insert into heap values (${id})`);

  await make(lived, 'template0');
  await live(at(lived), directory, replicate);
  await target.query(
    /* sql */ `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${lived}'`,
  );
  await make(backup, lived);
  await write(2);
  await live(at(lived), directory, replicate);
  await write(3);
  await live(at(backup), directory, async (replication) => {
    await replicate(replication);
    expect(await replication.expectEqual('t', 'heap')).toBe(6);
  });
});
