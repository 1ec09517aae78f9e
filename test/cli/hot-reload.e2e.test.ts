import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareTable } from '../../src/verify/compare.ts';
import { type Database, freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sinkConfig, sourceConfig } from './workplace.ts';

const CHANGES = 100;
const seed = Number(process.env.HOT_RELOAD_SEED ?? Date.now() % 1_000_000);

let command: BuiltCommand;
beforeAll(async () => {
  command = await buildCommand();
});
afterAll(() => command[Symbol.asyncDispose]());

type Config = Readonly<Record<string, string>>;

/** Whole numbers from 0 below `bound`, the same ones for the same seed. */
function randomOf(start: number): (bound: number) => number {
  let state = start;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** One connector, as the person at the files thinks of it. */
class Subject {
  readonly name: string;
  /** What is to run: the last valid configuration. */
  config: Config;
  file: string;
  isThere = true;
  isBroken = false;
  /** Another file with the same name. */
  rival: string | undefined;
  readonly #directory: string;
  readonly #setting: string;
  readonly #random: (bound: number) => number;
  readonly #seen: (subject: Subject) => Promise<void>;

  /** `seen` waits until the daemon has the last valid configuration: what stood there for a moment only, and then was broken, nobody could read. */
  constructor(
    directory: string,
    name: string,
    config: Config,
    setting: string,
    random: (bound: number) => number,
    seen: (subject: Subject) => Promise<void>,
  ) {
    this.#directory = directory;
    this.name = name;
    this.config = config;
    this.file = `${name}.json`;
    this.#setting = setting;
    this.#random = random;
    this.#seen = seen;
  }

  /** One random change of its files; says which. */
  async change(): Promise<string> {
    if (!this.isThere) {
      await this.put();
      return 'add again';
    }
    const kinds: (() => Promise<string>)[] = [
      () => this.#valid(),
      () => this.#valid(),
      () => this.#respell(),
      () => this.#cut(),
      () => this.#wrong(),
      () => this.#unknown(),
      () => this.#twin(),
    ];
    if (this.rival === undefined && !this.isBroken) {
      kinds.push(
        () => this.#move(),
        () => this.#remove(),
      );
    }
    const kind = kinds[this.#random(kinds.length)] as () => Promise<string>;
    return await kind();
  }

  /** Writes the file as it is to be. */
  async put(config: Config = this.config): Promise<void> {
    await this.#write(JSON.stringify({ name: this.name, config }, undefined, 2));
    this.config = config;
    this.isThere = true;
    this.isBroken = false;
  }

  async #valid(): Promise<string> {
    await this.put({ ...this.config, [this.#setting]: String(1_000_000 + this.#random(1_000_000)) });
    return 'another setting';
  }

  async #respell(): Promise<string> {
    const entries = Object.entries(this.config).toReversed();
    await this.#write(JSON.stringify({ config: Object.fromEntries(entries), name: this.name }));
    this.isBroken = false;
    return 'another spelling';
  }

  async #unknown(): Promise<string> {
    await this.put({ ...this.config, 'somethng.unknown': 'x' });
    return 'an unknown key';
  }

  async #cut(): Promise<string> {
    await this.#seen(this);
    const text = JSON.stringify({ name: this.name, config: this.config });
    await this.#write(text.slice(0, this.#random(text.length)));
    this.isBroken = true;
    return 'half a file';
  }

  async #wrong(): Promise<string> {
    await this.#seen(this);
    const config = { ...this.config, [this.#setting]: 'many' };
    await this.#write(JSON.stringify({ name: this.name, config }));
    this.isBroken = true;
    return 'an invalid value';
  }

  async #move(): Promise<string> {
    const file = `${'abcdef'[this.#random(6)]}-${this.name}.json`;
    await rename(join(this.#directory, this.file), join(this.#directory, file));
    this.file = file;
    return 'another file name';
  }

  async #remove(): Promise<string> {
    await rm(join(this.#directory, this.file));
    this.isThere = false;
    return 'remove';
  }

  /** Another file takes the name, or gives it back. */
  async #twin(): Promise<string> {
    if (this.rival !== undefined) {
      await rm(join(this.#directory, this.rival));
      this.rival = undefined;
      return 'no second file any more';
    }
    this.rival = `${this.#random(2) === 0 ? '0' : 'z'}-second-${this.name}.json`;
    const config = { ...this.config, [this.#setting]: '999999' };
    await writeFile(join(this.#directory, this.rival), JSON.stringify({ name: this.name, config }));
    return 'a second file with the name';
  }

  /** As editors do (a new file in place of the old one), or in place, now and then in two goes. */
  async #write(text: string): Promise<void> {
    const path = join(this.#directory, this.file);
    const way = this.#random(3);
    if (way === 0) {
      await writeFile(`${path}.swp`, text);
      await rename(`${path}.swp`, path);
    } else if (way === 1) await writeFile(path, text);
    else {
      const middle = this.#random(text.length + 1);
      await writeFile(path, text.slice(0, middle));
      await sleep(this.#random(200));
      await appendFile(path, text.slice(middle));
    }
  }
}

/** Writes to the source until it is stopped; returns how many transactions it made. */
function load(source: Database): { stop(): Promise<number> } {
  let isOn = true;
  const run = async (): Promise<number> => {
    let n = 0;
    for (; isOn; n++) {
      await source.query(`begin; insert into a (id, note) values (${n}, 'n${n}');
        insert into b (id, a) values (${n}, ${n}); update a set note = note || '!' where id = ${Math.floor(n / 2)};
        delete from b where id = ${n} - 50; commit`);
      await sleep(2);
    }
    return n;
  };
  const running = run();
  return {
    async stop() {
      isOn = false;
      return await running;
    },
  };
}

interface Shown {
  readonly info: { readonly config: Config };
  readonly status: { readonly connector: { readonly state: string }; readonly tasks: readonly { state: string }[] };
}

/** What the REST API shows of all connectors: the settings that the test changes, and the states. */
async function shown(
  url: string,
  settings: readonly string[],
): Promise<Record<string, readonly (string | undefined)[]>> {
  const response = await fetch(`${url}/connectors?expand=info&expand=status`);
  const all = (await response.json()) as Record<string, Shown>;
  return Object.fromEntries(
    Object.entries(all).map(([name, { info, status }]) => [
      name,
      [status.tasks.map(({ state }) => state).join(), ...settings.map((key) => info.config[key])],
    ]),
  );
}

async function areEqual(source: Database, replica: Database): Promise<readonly (string | undefined)[]> {
  const tables = ['a', 'b'].map((name) => ({ schema: 'public', name }));
  const found = [];
  for (const table of tables) found.push((await compareTable(source.client, replica.client, table)).difference?.what);
  return found;
}

test(`${CHANGES} random changes of files under load: the last valid configurations run, and nothing is lost (seed ${seed})`, async () => {
  process.stdout.write(`hot reload: HOT_RELOAD_SEED=${seed}\n`);
  await using source = await freshDatabase('reload_source');
  await using replica = await freshDatabase('reload_replica');
  await using place = await makeWorkplace();
  await source.query('create table a (id int primary key, note text); create table b (id int primary key, a int)');
  const random = randomOf(seed);
  const prefix = 'reload';
  const settings = ['max.batch.bytes', 'max.fetch.bytes', 'somethng.unknown'];
  // What stands under a key that nobody knows may be a password under a misspelt one: it is shown as such.
  const asShown = (key: string, value: string | undefined): string | undefined =>
    key === 'somethng.unknown' && value !== undefined ? '********' : value;
  const expectedOf = ({ config }: Subject): (string | undefined)[] => settings.map((key) => asShown(key, config[key]));
  let url = '';
  const seen = async (subject: Subject): Promise<void> => {
    const now = async (): Promise<unknown> => (await shown(url, settings))[subject.name]?.slice(1);
    await expect.poll(now, { timeout: 30_000 }).toEqual(expectedOf(subject));
  };
  const directory = place.connectors;
  const subjects = [
    new Subject(directory, 'the-source', sourceConfig(source.settings, prefix), 'max.batch.bytes', random, seen),
    new Subject(directory, 'the-sink', sinkConfig(replica.settings, prefix), 'max.fetch.bytes', random, seen),
  ];
  for (const subject of subjects) await subject.put();
  const run = place.start(command);
  url = await place.url();
  const work = load(source);
  const done: string[] = [];
  for (let i = 0; i < CHANGES; i++) {
    const subject = subjects[random(subjects.length)] as Subject;
    done.push(`${subject.name}: ${await subject.change()}`);
    await sleep(random(4) === 0 ? 700 : random(150));
  }
  for (const subject of subjects) if (!subject.isThere) await subject.put();
  const expected = Object.fromEntries(subjects.map((subject) => [subject.name, ['RUNNING', ...expectedOf(subject)]]));
  const history = `${done.join('\n')}\n${run.output()}`;
  await expect.poll(() => shown(url, settings), { timeout: 30_000, message: history }).toEqual(expected);
  const transactions = await work.stop();
  const marker = `select count(*)::int as n from a where id = ${transactions - 1}`;
  const last = async (): Promise<unknown> => (await replica.query(marker).catch(() => []))[0];
  await expect.poll(last, { timeout: 60_000 }).toEqual({ n: 1 });
  expect(await areEqual(source, replica)).toEqual([undefined, undefined]);
  run.process.kill('SIGTERM');
  const { code, output } = await run.ended;
  expect(output).not.toContain('daemon crashed');
  expect(output.split('"connector restarted"').length - 1, output).toBeGreaterThan(10);
  expect(output).not.toContain('"connector failed"');
  expect(code, output).toBe(0);
});
