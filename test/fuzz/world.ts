import type pg from 'pg';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import { connect } from '../../src/postgres/connect.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/postgres/identifier.ts';
import { Replication, type Running } from '../pipeline/replication.ts';
import { SESSIONS } from './generate/sessions.ts';
import { type Plant, planted } from './plant.ts';
import type { Scenario } from './scenario.ts';

const APPLICATION = 'rowcast fuzz';
/** Sessions run one after the other: a statement that waits for a lock would wait for ever. */
const LOCK_TIMEOUT = '100'; // milliseconds, as pg_settings shows them
const PASSWORD = 'fuzz';
let count = 0;
/** Databases with the types of a scenario in them, by server and types: extensions take longer to make than to copy. */
const templates = new Map<string, Promise<string>>();

/** Two fresh databases on one server, sessions on the source, and the loops between them. */
export class World implements AsyncDisposable {
  readonly sessions: pg.Client[] = [];
  readonly replication: Replication;
  readonly source: pg.Client;
  readonly replica: pg.Client;
  readonly #server: ConnectionSettings;
  readonly #names: readonly string[];
  readonly #tasks = new Map<'source' | 'sink', Running>();

  private constructor(
    server: ConnectionSettings,
    names: readonly string[],
    replication: Replication,
    clients: readonly [pg.Client, pg.Client],
  ) {
    this.#server = server;
    this.#names = names;
    this.replication = replication;
    [this.source, this.replica] = clients;
  }

  static async open(
    server: ConnectionSettings,
    { setting, types }: Scenario,
    plant: Plant | undefined,
  ): Promise<World> {
    const template = await templateOf(server, types);
    const number = `${process.pid}_${++count}`;
    const names = [`fuzz_source_${number}`, `fuzz_target_${number}`] as const;
    const role = `fuzz_role_${number}`;
    await administer(server, [
      ...names.map((name) => `create database ${name} template ${template}`),
      `create role ${role} login password ${quoteLiteral(PASSWORD)}`,
      `grant create on database ${names[1]} to ${role}`,
    ]);
    const [source, target] = names.map((database) => ({ ...server, database })) as [
      ConnectionSettings,
      ConnectionSettings,
    ];
    const replication = await Replication.open({
      source,
      target: setting.isPrivileged ? target : { ...target, user: role, password: PASSWORD },
      wal: {
        publicationAutocreateMode: setting.publication === 'leaves' ? 'disabled' : setting.publication,
        maxBatchBytes: setting.maxBatchBytes,
        snapshotThreads: setting.snapshotThreads,
        snapshotChunkBytes: setting.snapshotChunkBytes,
      },
      partitions: setting.partitions,
      ...(plant !== undefined && { replaceSink: (sink) => planted(sink, plant) }),
    });
    const clients = [await connect(source, APPLICATION), await connect(target, APPLICATION)] as const;
    const world = new World(server, [...names, role], replication, clients);
    await clients[1].query(`alter schema public owner to ${role}`);
    for (let n = 0; n < SESSIONS; n++) {
      const session = await connect(source, APPLICATION, { lock_timeout: LOCK_TIMEOUT });
      await session.query('set search_path = public');
      world.sessions.push(session);
    }
    return world;
  }

  /** The role that owns what the target has, when the sink is not privileged. */
  get role(): string {
    return this.#names[2] as string;
  }

  get failure(): unknown {
    return [...this.#tasks.values()].find(({ failure }) => failure !== undefined)?.failure;
  }

  start(task: 'source' | 'sink'): void {
    if (this.#tasks.has(task)) return;
    this.#tasks.set(task, task === 'source' ? this.replication.startSource() : this.replication.startSink());
  }

  async stop(task: 'source' | 'sink'): Promise<void> {
    const running = this.#tasks.get(task);
    await running?.stop();
    if (running?.failure !== undefined) throw running.failure;
    this.#tasks.delete(task);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replication[Symbol.asyncDispose]();
    await Promise.all([this.source, this.replica, ...this.sessions].map((client) => client.end()));
    const [source, target, role] = this.#names as [string, string, string];
    const drop = /* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${quoteLiteral(source)}`;
    await patiently(() => administer(this.#server, [drop]));
    await administer(this.#server, [
      `drop database ${quoteIdentifier(source)} with (force)`,
      `drop database ${quoteIdentifier(target)} with (force)`,
      `drop role ${quoteIdentifier(role)}`,
    ]);
  }
}

async function templateOf(server: ConnectionSettings, types: readonly string[]): Promise<string> {
  const key = JSON.stringify([server.port, types]);
  const found = templates.get(key) ?? makeTemplate(server, types);
  templates.set(key, found);
  return await found;
}

async function makeTemplate(server: ConnectionSettings, types: readonly string[]): Promise<string> {
  const name = `fuzz_template_${process.pid}_${++count}`;
  await administer(server, [`create database ${name}`]);
  await administer({ ...server, database: name }, ['set search_path = public', ...types]);
  return name;
}

/** A walsender that was told to go holds its slot a little longer. */
async function patiently(work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function administer(server: ConnectionSettings, statements: readonly string[]): Promise<void> {
  const client = await connect(server, APPLICATION);
  try {
    for (const sql of statements) await client.query(sql);
  } finally {
    await client.end();
  }
}
