import { setTimeout as sleep } from 'node:timers/promises';
import { createLogSchemaStore } from '../../../src/converter/registry/log-store.ts';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Log } from '../../../src/log/log.ts';
import { serialLog } from '../../../src/worker/serial-log.ts';
import { memoryTopic } from '../../converter/registry/memory-topic.ts';
import { newDirectory } from '../../log/embedded/directory.ts';
import { readOn, recordSet, type TestRecord } from '../../log/records.ts';
import { Replication, type Running } from '../../pipeline/replication.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';
import { editedLog, recordAt } from './edited-log.ts';
import type { BadPayload, Facts, Place } from './payload.ts';

const TABLE = 'shop.public.item';
const CHECKPOINTS = 'shop.checkpoints';
const CONTROLS = 'shop.schema-changes';
const COLUMNS = ['id', 'note', 'price', 'tags', 'data'];
const TOPICS: Readonly<Record<Place, string>> = {
  'table topic': TABLE,
  checkpoints: CHECKPOINTS,
  'schema-changes': CONTROLS,
  row: TABLE,
  truncate: CONTROLS,
  checkpoint: CHECKPOINTS,
};
/** Who has not answered by then hangs. */
const PATIENCE_MS = 20_000;
const { signal } = new AbortController();

/** What a sink did with a bad record. */
export interface Answer {
  /** What stopped it, or was tried again for ever; undefined: it went on. */
  readonly failure: unknown;
  /** True when the rows that came with it are in the replica. */
  readonly applied: boolean;
}

/** A pipeline from one database to another, into whose log bad records are put. */
export class World implements AsyncDisposable {
  readonly source: Database;
  readonly #target: Database;
  readonly #log: Log;
  readonly replication: Replication;
  readonly #ids: Facts['ids'];
  #id = 0;

  private constructor(source: Database, target: Database, log: Log, replication: Replication, ids: Facts['ids']) {
    this.source = source;
    this.#target = target;
    this.#log = log;
    this.replication = replication;
    this.#ids = ids;
  }

  static async open(): Promise<World> {
    const source = await freshDatabase('payload_source');
    const target = await freshDatabase('payload_target');
    await source.query(`create table item (id int primary key, note text, price numeric, tags int[], data bytea);
      create table other (id int primary key, name text not null); create table emptied (id int primary key);
      insert into other values (1, 'other')`);
    const registry = createLogSchemaStore(memoryTopic());
    const log = serialLog(await openEmbeddedLog(await newDirectory()));
    const replication = await Replication.open({
      source: source.settings,
      target: target.settings,
      log,
      store: () => registry,
    });
    replication.startSource();
    const sink = replication.startSink();
    await replication.settled();
    await sink.stop();
    const row = { type: 'record', name: 'Value', fields: [{ name: 'id', type: 'int' }] };
    const blocks = [
      { name: 'list', type: { type: 'array', items: 'int' } },
      { name: 'map', type: { type: 'map', values: 'int' } },
      { name: 'after', type: { ...row, fields: COLUMNS.map((name) => ({ name, type: 'int' })) } },
    ];
    const idOf = async (subject: string): Promise<number> =>
      (await registry.versions(signal)).find((each) => each.subject === subject)?.id ?? -1;
    const made = async (schema: unknown): Promise<number> =>
      await registry.register('strange', JSON.stringify(schema), signal);
    await registry.setLevel('strange', 'NONE', signal);
    const ids = {
      key: await idOf(`${TABLE}-key`),
      other: await idOf('shop.public.other-value'),
      flat: await made(row),
      blocks: await made({ type: 'record', name: 'Envelope', namespace: TABLE, fields: blocks }),
    };
    return new World(source, target, log, replication, ids);
  }

  /** Puts the record in its place with a good row behind it, and runs a sink until it has that row, or stops, or hangs. */
  async answerTo(bad: BadPayload): Promise<Answer> {
    const topic = TOPICS[bad.at];
    const stands = bad.at === 'table topic' || bad.at === 'checkpoints' || bad.at === 'schema-changes';
    const facts = await this.#facts();
    const { end } = await this.#log.bounds(topic, 0, signal);
    let offset = stands ? await this.#put(topic, { key: null, value: null, headers: [] }) : end;
    const good = stands ? await this.#likeness(bad.at) : undefined;
    const { end: first } = await this.#log.bounds(TABLE, 0, signal);
    await this.#insert(bad.at === 'truncate');
    const checkpoint = await this.#covering(first);
    if (bad.at === 'checkpoint') offset = checkpoint;
    const edit = { topic, offset, record: (stored: TestRecord) => bad.record(good ?? stored, facts) };
    this.replication.log = editedLog(this.#log, edit);
    const answer = await this.#run();
    this.replication.log = this.#log;
    return answer;
  }

  /** Stores the record for good, with a good row behind it. */
  async keep(bad: BadPayload): Promise<void> {
    const facts = await this.#facts();
    await this.#put(TOPICS[bad.at], bad.record(await this.#likeness(bad.at), facts));
    await this.#insert(false);
  }

  /** Runs a sink on what is stored, until the replica has the row that was inserted last. */
  async recover(): Promise<Answer> {
    return await this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replication[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    await this.#target[Symbol.asyncDispose]();
  }

  async #run(): Promise<Answer> {
    this.replication.lastRetry = undefined;
    const running: Running = this.replication.startSink();
    const until = Date.now() + PATIENCE_MS;
    let applied = false;
    while (running.failure === undefined && !applied && Date.now() < until) {
      await sleep(10);
      applied = await this.#isApplied();
    }
    await running.stop();
    this.replication.resume(running);
    return { failure: running.failure ?? (applied ? undefined : this.replication.lastRetry), applied };
  }

  /** As the source has it: a row that lost something is not applied. */
  async #isApplied(): Promise<boolean> {
    const sql = `select t::text as row from item t where id = ${this.#id}`;
    const [here, there] = await Promise.all([this.source.query(sql), this.#target.query(sql)]);
    if (there.length === 0) return false;
    if (here[0]?.row !== there[0]?.row) throw new Error(`The replica has a wrong row: ${String(there[0]?.row)}`);
    return true;
  }

  async #insert(truncating: boolean): Promise<void> {
    const truncate = truncating ? 'truncate emptied;' : '';
    await this.source.query(
      `begin; ${truncate} insert into item values (${++this.#id}, 'marker', 12.5, '{7,8,9}', '\\xdeadbeef'); commit`,
    );
  }

  async #put(topic: string, record: TestRecord): Promise<number> {
    const appends = [{ topic, partition: 0, records: recordSet([record]) }];
    return (await this.#log.publish(appends, undefined, signal)).spans[0]?.base ?? -1;
  }

  /** The record of ours that stands last in the topic, for a stray to be made of. */
  async #likeness(at: Place): Promise<TestRecord> {
    const topic = TOPICS[at];
    const { end } = await this.#log.bounds(topic, 0, signal);
    for (let offset = end - 1; offset >= 0; offset--) {
      const found = await recordAt(this.#log, { topic, partition: 0, offset });
      const isOurs =
        topic === CHECKPOINTS || found.headers.some(([name, value]) => name === 'rowcast' && value[0] === 1);
      const isWhole = topic !== CONTROLS || String(found.value).includes('"kind":"table"');
      if (found.value !== null && isOurs && isWhole) return found;
    }
    return { key: null, value: null, headers: [] };
  }

  async #facts(): Promise<Facts> {
    const { end } = await this.#log.bounds(CHECKPOINTS, 0, signal);
    const records = await readOn(this.#log, { topic: CHECKPOINTS, partition: 0, offset: 0 }, end, 64 << 20);
    const told = records.flatMap(({ value }) => jsonOf(value));
    const { logId } = told[0] ?? {};
    const ours = told.filter((each) => each.logId === logId && each.nonce !== 'forged');
    const other = await recordAt(this.#log, { topic: 'shop.public.other', partition: 0, offset: 0 });
    return {
      ids: this.#ids,
      otherValue: other.value ?? Buffer.alloc(0),
      checkpoint: ours.findLast(({ kind }) => kind === 'checkpoint') ?? {},
      claim: ours.findLast(({ kind, daemon }) => kind === 'claim' && daemon !== undefined) ?? {},
    };
  }

  /** Waits for the checkpoint that covers this offset of the table's topic, and returns where it stands. */
  async #covering(offset: number): Promise<number> {
    const { end } = await this.#log.bounds(CHECKPOINTS, 0, signal);
    for (let at = Math.max(0, end - 3); ; at++) {
      const [record] = await readOn(this.#log, { topic: CHECKPOINTS, partition: 0, offset: at }, 1);
      const [json] = jsonOf(record?.value ?? null);
      const spans = (Array.isArray(json?.spans) ? json.spans : []) as readonly [string, readonly number[]][];
      const span = spans.find((each) => Array.isArray(each) && each[0] === TABLE)?.[1];
      if (json?.nonce !== 'forged' && Array.isArray(span) && offset <= Number(span[1])) return at;
    }
  }
}

function jsonOf(value: Buffer | null): Record<string, unknown>[] {
  if (value === null || value[0] !== 1) return [];
  try {
    const json: unknown = JSON.parse(value.toString('utf8', 1));
    return typeof json === 'object' && json !== null ? [json as Record<string, unknown>] : [];
  } catch {
    return []; // garbage that a case has left
  }
}
