import { expect, test } from 'vitest';
import { createAvroConverter } from '../../../src/converter/avro/avro-converter.ts';
import { DEFAULT_MODES } from '../../../src/converter/avro/modes.ts';
import { RecordError } from '../../../src/errors.ts';
import { column, memoryStore, NOW, ORIGIN, table } from '../fixture.ts';

const { signal } = new AbortController();
const ORDERS = table([column('id', 'int4'), column('total', 'numeric')]);
const LINES = table([column('id', 'int4'), column('text', 'text')], { name: 'lines' });

/** Registers a value schema and asks for the decoder of rows of `read` in `topic` with it. */
async function ask(
  written: { table: typeof ORDERS; topic: string },
  read: typeof ORDERS,
  topic: string,
  change: (schema: string) => string = (schema) => schema,
): Promise<unknown> {
  for (const schemaNames of ['avro', 'avro_unicode'] as const) {
    const store = memoryStore();
    const modes = { ...DEFAULT_MODES, schemaNames, fieldNames: schemaNames };
    const writer = createAvroConverter(store, ORIGIN, { clock: { now: () => NOW }, modes });
    await writer.encoder(written.table, written.topic, signal);
    const id = store.texts.length;
    const schema = change(store.texts.at(-1) as string);
    const reader = createAvroConverter({ ...store, byId: () => Promise.resolve(schema) }, ORIGIN, {
      clock: { now: () => NOW },
    });
    const failed = await reader.decoder(id, read, topic, signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failed !== undefined) return failed;
  }
  return undefined;
}

test.each(['shop.public.orders', 'orders', 'a-b.c d.ünï', '9lives.__proto__', 'routed_by_somebody', '日本.表'])(
  'a schema that was made for topic %s is taken there, however names were made legal',
  async (topic) => {
    expect(await ask({ table: ORDERS, topic }, ORDERS, topic)).toBeUndefined();
  },
);

test('columns with names that Avro does not allow are found again', async () => {
  const odd = table([column('id', 'int4'), column('a b', 'text'), column('a_b', 'text'), column('日', 'text')]);
  expect(await ask({ table: odd, topic: 'shop.public.odd' }, odd, 'shop.public.odd')).toBeUndefined();
});

test('a registry that writes names out in full says the same', async () => {
  const inFull = (text: string): string => {
    const { namespace, name, ...rest } = JSON.parse(text) as Record<string, string>;
    return JSON.stringify({ ...rest, name: `${namespace}.${name}` });
  };
  const written = { table: ORDERS, topic: 'shop.public.orders' };
  expect(await ask(written, ORDERS, 'shop.public.orders', inFull)).toBeUndefined();
});

test("the schema of another topic's values is refused by both names", async () => {
  const failed = await ask({ table: LINES, topic: 'shop.public.lines' }, ORDERS, 'shop.public.orders');
  expect(failed).toBeInstanceOf(RecordError);
  expect(failed).toMatchObject({
    message:
      'Its schema 2 is shop.public.lines.Envelope, where values of topic shop.public.orders have shop.public.orders.Envelope',
    advice: expect.stringMatching(/schema\.registry\.url/) as string,
  });
});

test('a schema of the right name without one of the columns is refused, so that none of them becomes NULL', async () => {
  const failed = await ask({ table: LINES, topic: 'shop.public.orders' }, ORDERS, 'shop.public.orders');
  expect(failed).toBeInstanceOf(RecordError);
  expect(failed).toMatchObject({
    message:
      'Its schema 2 (shop.public.orders.Envelope) lacks column "total", which table public.orders had when the row was written',
  });
});
