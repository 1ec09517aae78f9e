import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { compareTable } from '../../src/verify/compare.ts';
import { eventually } from '../pipeline/replication.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig, type Workplace } from './workplace.ts';

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

type Kind = 'wal' | 'query' | 'trigger';

const SCHEMA = /* sql */ `
  create table orders (id int primary key, note text);
  create table item (order_id int references orders on update cascade on delete cascade, n int, primary key (order_id, n));
  create table line (order_id int, n int); alter table line replica identity full;
  insert into orders select g, 'first' from generate_series(1, 1000) g;
  insert into item select g, 1 from generate_series(1, 500) g; insert into line select g, 1 from generate_series(1, 500) g`;

/** The same connector, captured in each way. Polls cannot capture a table without key. */
function file(kind: Kind, settings: ConnectionSettings): { name: string; config: Record<string, string> } {
  const { 'slot.name': _, 'publication.name': __, 'connector.class': ___, ...common } = sourceConfig(settings, 'shop');
  const own: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
    wal: { 'connector.class': 'PostgresWalSource', 'slot.name': `slot_${settings.database}` },
    query: {
      'connector.class': 'PostgresQuerySource',
      'poll.interval.ms': '50',
      'delete.detection': 'keys',
      'table.exclude.list': 'public\\.line',
    },
    trigger: { 'connector.class': 'PostgresTriggerSource', 'trigger.name': 'shop' },
  };
  return { name: 'shop', config: { ...common, ...own[kind] } };
}

/** Somebody who writes all the time, but while `still` runs. */
async function startWriter(source: Database): Promise<{
  still(work: () => Promise<void>): Promise<void>;
  end(): Promise<void>;
}> {
  const client = await connect(source.settings, 'writer', { search_path: 'public' });
  let [isOver, next] = [false, 10_000];
  let gate: Promise<void> = Promise.resolve();
  let turn: Promise<unknown> = Promise.resolve();
  const writing = (async () => {
    while (!isOver) {
      await gate;
      const i = next++;
      turn =
        client.query(/* sql */ `begin; insert into orders values (${i}, 'new'); insert into item values (${i}, 1), (${i}, 2);
        update orders set note = note || 'x' where id % 200 = ${i % 200}; delete from orders where id % 777 = ${i % 777};
        update orders set id = id + 1000000 where id = ${i - 5}; insert into line values (${i}, 1), (${i}, 1);
        delete from line where order_id = ${i - 7}; commit`);
      await turn;
      await sleep(5);
    }
  })();
  writing.catch(() => undefined); // told by end()
  return {
    async still(work) {
      let open = (): void => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      await sleep(20); // whoever has passed the gate has begun
      await turn;
      await work();
      open();
    },
    async end() {
      isOver = true;
      await writing;
      await client.end();
    },
  };
}

async function expectEqual(source: Database, target: Database, ...tables: readonly string[]): Promise<void> {
  for (const name of tables) {
    let last: unknown;
    await eventually(
      async () => {
        const table = { schema: 'public', name };
        last = await compareTable(source.client, target.client, table).catch((error: unknown) => error);
        return typeof last === 'object' && last !== null && 'difference' in last && last.difference === undefined;
      },
      () => `table ${name} to be equal: ${JSON.stringify(last)}`,
    );
  }
}

async function rowcast(place: Workplace, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const flags = [...args, '--connectors', place.connectors, '--state', place.state];
  return await command.run(flags, { ROWCAST_LISTENERS: 'http://127.0.0.1:0' }).ended;
}

/** What has captured whatever the log ends with; undefined while there is nothing, or a copy is not finished. */
async function capturedBy(place: Workplace): Promise<Kind | undefined> {
  const answer = await fetch(`${await place.url()}/connectors/shop/offsets`).catch(() => undefined); // not up yet
  const { offsets = [] } = ((await answer?.json()) ?? {}) as {
    offsets?: readonly { offset: { position: string; snapshot?: string } }[];
  };
  const { position, snapshot } = offsets[0]?.offset ?? {};
  if (position === undefined || snapshot !== undefined) return undefined;
  if (position.includes(':{')) return 'query';
  return position.includes('/') ? 'wal' : 'trigger';
}

async function switched(place: Workplace, kind: Kind): Promise<void> {
  await expect.poll(() => capturedBy(place), { timeout: 60_000, interval: 200 }).toBe(kind);
}

const captured = (kind: Kind): readonly string[] =>
  kind === 'query' ? ['orders', 'item'] : ['orders', 'item', 'line'];

/** Every one of the six directions once. */
const CIRCUIT: readonly Kind[] = ['wal', 'query', 'trigger', 'query', 'wal', 'trigger', 'wal'];

test('a running replica goes from each way of capture to each other one under load, and loses and doubles no row', async () => {
  await using source = await freshDatabase('switched');
  await using target = await freshDatabase('replica');
  await source.query(SCHEMA);
  await using place = await makeWorkplace();
  const [first, ...others] = CIRCUIT as [Kind, ...Kind[]];
  await place.write('shop.json', file(first, source.settings));
  await place.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, 'shop') });
  const daemon = place.start(command);
  await switched(place, first);
  const writer = await startWriter(source);
  try {
    await writer.still(() => expectEqual(source, target, ...captured(first)));
    for (const [i, kind] of others.entries()) {
      const from = CIRCUIT[i] as Kind;
      const sql = from === 'trigger' ? await rowcast(place, ['check', 'shop', '--remove-triggers']) : undefined;
      const seen = daemon.output().length;
      await place.write('shop.json', file(kind, source.settings));
      if (kind === 'wal') {
        await expect
          .poll(() => daemon.output().slice(seen), { timeout: 60_000 })
          .toContain('Copy everything again: rowcast offsets reset shop --yes');
        const done = await rowcast(place, ['offsets', 'reset', 'shop', '--yes']);
        expect(done.output).toContain('the next start copies every captured table again');
      }
      await switched(place, kind);
      await writer.still(() => expectEqual(source, target, ...captured(kind)));
      if (kind === 'wal' && sql !== undefined) {
        const removal = sql.output.replaceAll(/^Nothing was done.*$/gm, '');
        await writer.still(async () => void (await source.query(removal)));
        expect(await source.query(`select tgname from pg_trigger where tgname like '!rowcast%'`)).toEqual([]);
        await writer.still(() => expectEqual(source, target, ...captured(kind)));
      }
    }
    // Back to the WAL by the file alone, where it says that history may be lost.
    await place.write('shop.json', file('query', source.settings));
    await switched(place, 'query');
    const { name, config } = file('wal', source.settings);
    await place.write('shop.json', { name, config: { ...config, 'snapshot.mode': 'when_needed' } });
    await switched(place, 'wal');
  } finally {
    await writer.end();
  }
  await expectEqual(source, target, 'orders', 'item', 'line');
  expect((await rowcast(place, ['offsets'])).output).toContain(`slot    "slot_${source.settings.database}"`);
  daemon.process.kill('SIGTERM');
  const { code, output } = await daemon.ended;
  expect(code, output).toBe(0);
});

const POINTS = [
  'source.claimed',
  'log.data-stored:2',
  'source.claimed',
  'log.checkpoint-stored:2',
  'source.before-acknowledge',
  'source.acknowledged',
  'sink.chunk-applied',
  'sink.before-commit',
  'sink.committed',
];

test('a kill at any point of a switch loses and doubles no row', async () => {
  await using source = await freshDatabase('switched');
  await using target = await freshDatabase('replica');
  await source.query(SCHEMA);
  await using place = await makeWorkplace();
  await place.write('shop.json', file('wal', source.settings));
  await place.write('replica.json', { name: 'replica', config: sinkConfig(target.settings, 'shop') });
  const daemon = place.start(command);
  await switched(place, 'wal');
  await expectEqual(source, target, 'orders', 'item', 'line');
  daemon.process.kill('SIGKILL');
  await once(daemon.process, 'exit');
  const writer = await startWriter(source);
  try {
    for (const [i, point] of POINTS.entries()) {
      await place.write('shop.json', file(i % 2 === 0 ? 'trigger' : 'query', source.settings));
      const killed = place.start(command, [], { ROWCAST_FAILPOINT: point });
      const exit = once(killed.process, 'exit');
      await Promise.race([exit, sleep(8_000)]);
      if (killed.process.exitCode === null && killed.process.signalCode === null) killed.process.kill('SIGKILL');
      await exit;
    }
    await place.write('shop.json', file('trigger', source.settings));
    const last = place.start(command);
    await switched(place, 'trigger');
    await writer.still(() => expectEqual(source, target, 'orders', 'item', 'line'));
    last.process.kill('SIGTERM');
    expect((await last.ended).code).toBe(0);
  } finally {
    await writer.end();
  }
});
