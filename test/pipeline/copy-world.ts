import { setTimeout as sleep } from 'node:timers/promises';
import { schemaChangesTopic } from '../../src/log/protocol/topics.ts';
import { RecordReader } from '../../src/log/record-reader.ts';
import type { WalSourceSettings } from '../../src/source/wal/settings.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { Replication } from './replication.ts';

/** Copies in many small chunks. */
export const SMALL_STEPS: Partial<WalSourceSettings> = {
  maxBatchBytes: 64 * 1024,
  snapshotChunkBytes: 256 * 1024,
  snapshotThreads: 3,
};

/** Tables of many kinds of keys, and one without. */
export const SCHEMA = /* sql */ `
  create table docs (id int primary key, n int, body text not null);
  alter table docs alter body set storage external;
  insert into docs select g, 0, repeat(md5(g::text), 80) from generate_series(1, 4000) g;
  create table words (word text, part int, v text, primary key (word, part));
  insert into words select md5((g % 900)::text) || chr(65 + g % 50) || '''\\', g, 'v' from generate_series(1, 20000) g;
  create table events (kind text, v text);
  alter table events replica identity full;
  insert into events select 'k' || g % 7, repeat('e', 60) from generate_series(1, 20000) g;
  create table parts (id int primary key, v text) partition by range (id);
  create table parts_low partition of parts for values from (minvalue) to (5000);
  create table parts_high partition of parts for values from (5000) to (maxvalue);
  insert into parts select g, repeat('p', 50) from generate_series(1, 9000) g;
  create table zebra (id int primary key, v text);
  insert into zebra select g, repeat('z', 100) from generate_series(1, 9000) g`;
export const TABLES: readonly string[] = ['docs', 'words', 'events', 'parts', 'zebra'];

/** Seeded, so that a failure can be repeated as far as two servers allow. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

/** Statements that hurt a copy made of several snapshots. */
function statement(below: (n: number) => number): string {
  const id = 1 + below(4200);
  const far = 1 + below(4200);
  switch (below(12)) {
    case 0:
      return /* sql */ `update docs set n = n + 1 where id between ${id} and ${id + 20}`; // body is not sent
    case 1:
      return /* sql */ `update docs set body = repeat(md5(random()::text), 80) where id = ${id}`;
    case 2:
      return /* sql */ `delete from docs where id between ${id} and ${id + 3}`;
    case 3: // the row goes to the other side of what was copied, and its body is not sent
      return /* sql */ `update docs set id = ${far} where id = ${id} and not exists (select from docs where id = ${far})`;
    case 4: // one row leaves a key, another one takes it
      return /* sql */ `begin; update docs set id = -${id} where id = ${id}; update docs set id = ${id} where id = ${far};
        update docs set id = ${far} where id = -${id} and not exists (select from docs where id = ${far}); commit`;
    case 5:
      return /* sql */ `insert into docs values (${id}, -1, repeat(md5(random()::text), 80)) on conflict do nothing`;
    case 6:
      return /* sql */ `update words set part = part + 30000, v = v || '.' where word like '${'0123456789abcdef'[below(16)]}${below(10)}%' and part < 100000`;
    case 7:
      return /* sql */ `insert into events select 'k' || ${below(7)}, 'new' from generate_series(1, 3)`;
    case 8:
      return /* sql */ `delete from events where ctid in (select ctid from events where kind = 'k${below(7)}' limit 3)`;
    case 9:
      return /* sql */ `update events set v = v || '+' where ctid in (select ctid from events where kind = 'k${below(7)}' limit 3)`;
    case 10:
      return /* sql */ `update parts set id = 10000 - id where id = ${id} and not exists (select from parts where id = ${10000 - id})`;
    default:
      return /* sql */ `delete from zebra where id = ${id}; insert into zebra values (${far + 9000}, 'n') on conflict (id) do update set v = 'u'`;
  }
}

/** Writes until it is told to stop. */
export function startWriting(db: Database, seed: number): { stop(): Promise<number> } {
  const below = randomOf(seed);
  let isOver = false;
  let written = 0;
  const writing = (async () => {
    while (!isOver) {
      await db.query(statement(below));
      written++;
      await sleep(below(8));
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await writing;
      return written;
    },
  };
}

/** How many control records of a kind the log has. */
export async function countControls(replication: Replication, kind: string): Promise<number> {
  const topic = schemaChangesTopic('shop');
  const { signal } = new AbortController();
  const { end } = await replication.log.bounds(topic, 0, signal);
  let count = 0;
  for (let offset = 0; offset < end; ) {
    const [fetched] = await replication.log.read([{ topic, partition: 0, offset }], 1024 * 1024, 0, signal);
    const reader = new RecordReader(fetched?.bytes ?? Buffer.alloc(0));
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      const value = reader.bytes.toString('utf8', reader.valueStart, reader.valueEnd);
      if (value.includes(`"kind":"${kind}"`)) count++;
    }
  }
  return count;
}

/** Two databases and what replicates between them. */
export interface World extends AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
  /** What the source is told when it is started again. */
  readonly options: { wal: Partial<WalSourceSettings> };
}

/** Two databases, the source with the schema, and a replication between them. */
export async function pair(name: string, schema: string, wal: Partial<WalSourceSettings>): Promise<World> {
  const source = await freshDatabase(`${name}_source`);
  const target = await freshDatabase(`${name}_target`);
  await source.query(schema);
  const options = { source: source.settings, target: target.settings, wal };
  const replication = await Replication.open(options);
  return {
    options,
    source,
    target,
    replication,
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}
