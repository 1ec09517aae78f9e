import avro from 'avsc';
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kafkaForTests, uniqueName } from '../support/kafka.ts';
import { freshDatabase } from '../support/postgres.ts';
import { type BuiltCommand, buildCommand } from './command.ts';
import { makeWorkplace, sourceConfig } from './workplace.ts';

const kafka = kafkaForTests();

describe.skipIf(kafka === undefined)('a plain Avro consumer', () => {
  let command: BuiltCommand;
  beforeAll(async () => {
    command = await buildCommand();
  });
  afterAll(() => command[Symbol.asyncDispose]());

  test('reads the topics with nothing but the brokers and the daemon as registry', async () => {
    const { bootstrap } = kafka as { bootstrap: string };
    const prefix = uniqueName('consumed').toLowerCase();
    await using source = await freshDatabase('consumer');
    await source.query(`create table public.item (id bigint primary key, note text, price numeric(10,2));
      insert into public.item values (1, 'copied', 1.50)`);
    await using place = await makeWorkplace();
    await place.write('source.json', { name: prefix, config: sourceConfig(source.settings, prefix) });
    const run = place.start(command, ['--bootstrap-servers', bootstrap]);
    try {
      const registry = await place.url();
      await expect.poll(() => run.output(), { timeout: 60_000 }).toContain('"msg":"streaming"');
      await source.query(`update public.item set note = 'changed' where id = 1;
        insert into public.item values (2, null, null); delete from public.item where id = 2`);
      const envelopes = await consume(bootstrap, `${prefix}.public.item`, registry, 4);
      expect(envelopes.map(({ op, key, after }) => ({ op, key, after }))).toEqual([
        { op: 'r', key: { id: 1 }, after: { id: 1, note: 'copied', price: '0096' } },
        { op: 'u', key: { id: 1 }, after: { id: 1, note: 'changed', price: '0096' } },
        { op: 'c', key: { id: 2 }, after: { id: 2, note: null, price: null } },
        { op: 'd', key: { id: 2 }, after: null },
      ]);
      expect(await (await fetch(`${registry}/subjects`)).json()).toEqual([
        `${prefix}.public.item-key`,
        `${prefix}.public.item-value`,
      ]);
    } finally {
      run.process.kill('SIGTERM');
    }
    expect((await run.ended).code).toBe(0);
  });
});

interface Envelope {
  readonly op: string;
  readonly key: unknown;
  readonly after: unknown;
}

/** Reads `count` records with a value from the topic's beginning, as any client of a Confluent registry does. */
async function consume(bootstrap: string, topic: string, registry: string, count: number): Promise<Envelope[]> {
  const client = new Kafka({ clientId: 'plain', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });
  const consumer = client.consumer({ groupId: uniqueName('plain') });
  const envelopes: Envelope[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
      const take = async (key: Buffer | null, value: Buffer | null): Promise<void> => {
        if (key === null || value === null) return;
        const { op, after } = (await decode(value, registry)) as Envelope;
        envelopes.push({ op, key: await decode(key, registry), after: plain(after) });
        if (envelopes.length === count) resolve();
      };
      // What fails here would be tried again for ever.
      const eachMessage = ({ message }: EachMessagePayload): Promise<void> =>
        take(message.key, message.value).catch(reject);
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return envelopes;
}

/** Nanoseconds since 1970 do not fit into a JavaScript number, so avsc has to be told what a long is. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** `{"type": "long", …}` is a long too. */
function typeHook(schema: avro.Schema): avro.Type | undefined {
  return schema === 'long' || (schema as { readonly type?: unknown }).type === 'long' ? LONG : undefined;
}

/** Confluent's framing: a zero, the schema's id in four bytes, Avro. */
async function decode(bytes: Buffer, registry: string): Promise<unknown> {
  expect(bytes[0]).toBe(0);
  const answer = await fetch(`${registry}/schemas/ids/${bytes.readInt32BE(1)}`);
  expect(answer.status).toBe(200);
  const { schema } = (await answer.json()) as { schema: string };
  const type = avro.Type.forSchema(JSON.parse(schema) as avro.Schema, { typeHook });
  const json = JSON.stringify(type.fromBuffer(bytes.subarray(5)), (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  return JSON.parse(json) as unknown;
}

/** Decimals are bytes: shown as hex. */
function plain(after: unknown): unknown {
  if (typeof after !== 'object' || after === null) return after;
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [
      name,
      isBytes(value) ? Buffer.from(value.data).toString('hex') : value,
    ]),
  );
}

function isBytes(value: unknown): value is { readonly data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer';
}
