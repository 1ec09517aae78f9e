import { MessageChannel } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  OperatorError,
  OversizeError,
  PositionLostError,
  RecordError,
  RefusedError,
  ShortageError,
  TooLargeError,
  TransientError,
  UnknownOutcomeError,
} from '../../../src/errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import type { Append, Log } from '../../../src/log/log.ts';
import { serialLog } from '../../../src/worker/serial-log.ts';
import { LogLink } from '../../../src/worker/threads/log-client.ts';
import { type LogServer, serveLog } from '../../../src/worker/threads/log-server.ts';
import { receivedError, sentError } from '../../../src/worker/threads/sent-error.ts';
import { newDirectory } from '../../log/embedded/directory.ts';
import { readOn, textOf, texts } from '../../log/records.ts';

const signal: AbortSignal = new AbortController().signal;

interface Client {
  readonly log: Log;
  readonly link: LogLink;
  readonly server: LogServer;
}

async function clientOf(log: Log): Promise<Client> {
  const { port1, port2 } = new MessageChannel();
  const server = serveLog(log, port1);
  const link = new LogLink(port2);
  onTestFinished(async () => await server.close());
  return { log: await link.open(signal), link, server };
}

async function openLog(...topics: string[]): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog(await newDirectory());
  onTestFinished(async () => await log[Symbol.asyncDispose]());
  await log.createTopics(
    topics.map((name) => ({ name, partitions: 1, config: {} })),
    signal,
  );
  return log;
}

describe('a log behind ports', () => {
  test('stores nothing of a checkpoint that names what somebody else wrote, and goes on', async () => {
    const log = await openLog('data', 'checkpoints');
    const shared = serialLog(log);
    const [{ log: one }, { log: other }] = [await clientOf(shared), await clientOf(shared)];
    const publish = async (by: Log, value: string): Promise<unknown> =>
      await by.publish(
        [texts('data', 0, [value])],
        ([span]): Append[] => [texts('checkpoints', 0, [`${value} at ${span?.base}`])],
        signal,
      );
    await publish(one, 'a');
    await publish(other, 'b');
    await expect(publish(one, 'c')).rejects.toThrow(TransientError);
    expect([(await log.bounds('data', 0, signal)).end, (await log.bounds('checkpoints', 0, signal)).end]).toEqual([
      2, 2,
    ]);
    await publish(one, 'd');
    const checkpoints = await readOn(log, { topic: 'checkpoints', partition: 0, offset: 0 }, 3);
    expect(checkpoints.map(textOf)).toEqual(['a at 0', 'b at 1', 'd at 2']);
  });

  test('leaves the bytes that it was given to whoever gave them', async () => {
    const { log } = await clientOf(await openLog('data'));
    const append = texts('data', 0, ['again and again']);
    for (let i = 0; i < 3; i++) await log.publish([append], undefined, signal);
    const records = await readOn(log, { topic: 'data', partition: 0, offset: 0 }, 3);
    expect(records.map(textOf)).toEqual(['again and again', 'again and again', 'again and again']);
  });

  test('takes cursors that are objects with getters', async () => {
    const { log } = await clientOf(await openLog('data'));
    await log.publish([texts('data', 0, ['a'])], undefined, signal);
    const cursor = Object.create({
      topic: 'data',
      partition: 0,
      get offset() {
        return 0;
      },
    });
    expect((await log.read([cursor], 1000, 1000, signal))[0]?.end).toBe(1);
    await log.release('reader', '', [cursor], signal);
  });

  test('fails who waits for an answer when the server or the link is closed', async () => {
    const log = await openLog('data');
    for (const close of [(c: Client) => c.server.close(), async (c: Client) => c.link.close()]) {
      const client = await clientOf(log);
      const reading = client.log.read([{ topic: 'data', partition: 0, offset: 0 }], 1000, 3_600_000, signal);
      const failed = expect(reading).rejects.toThrow(TransientError);
      await close(client);
      await failed;
      await expect(client.log.topics(['data'], signal)).rejects.toThrow(TransientError);
    }
    expect((await log.topics(['data'], signal)).size).toBe(1);
  });

  test('lets a publish that is on its way end before the server is closed', async () => {
    const log = await openLog('data');
    let store = (): void => {};
    const stored = new Promise<void>((resolve) => (store = resolve));
    let isPublished = false;
    const slow: Log = {
      ...serialLog(log),
      async publish(...args) {
        await stored;
        const published = await log.publish(args[0], args[1], signal);
        isPublished = true;
        return published;
      },
    };
    const { log: client, server } = await clientOf(slow);
    const publishing = client.publish([texts('data', 0, ['a'])], undefined, signal).catch(() => undefined);
    await client.topics(['data'], signal); // the server has the publish by now
    const closed = server.close().then(() => isPublished);
    store();
    expect(await closed).toBe(true);
    await publishing;
  });

  test('opens the log anew over the same link', async () => {
    const log = await openLog('data');
    const { link, log: first } = await clientOf(log);
    await first[Symbol.asyncDispose]();
    const second = await link.open(signal);
    expect(second.clusterId).toBe(log.clusterId);
    await second.publish([texts('data', 0, ['a'])], undefined, signal);
  });
});

describe('an error on its way to another thread', () => {
  const passed = (error: unknown): Error => receivedError(structuredClone(sentError(error)));

  test.each([
    TransientError,
    RefusedError,
    ShortageError,
    UnknownOutcomeError,
    RecordError,
    OperatorError,
    PositionLostError,
    OversizeError,
  ])('stays what it is', (Kind) => {
    const cause = new RangeError('Out of range', { cause: 'a text' });
    const error = passed(new Kind('It failed', { advice: 'Do this.', cause }));
    expect(error).toBeInstanceOf(Kind);
    expect(error.constructor).toBe(Kind);
    expect(error).toMatchObject({ name: Kind.name, message: 'It failed', advice: 'Do this.' });
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'Out of range', cause: { message: 'a text' } });
    expect(error.stack).toContain('log-port.test.ts');
  });

  test('keeps what it is about when a topic does not take it', () => {
    const what = { topic: 't', bytes: 7, records: 1, limit: 5 };
    const error = passed(new TooLargeError(what));
    expect(error).toBeInstanceOf(TooLargeError);
    expect(error).toMatchObject({ what, message: new TooLargeError(what).message });
  });

  test('keeps the name of a bug, and has no advice and no cause that it did not have', () => {
    const error = passed(new TypeError('x is not a function'));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(TransientError);
    expect(error.name).toBe('TypeError');
    expect(passed(new OperatorError('No')).cause).toBeUndefined();
    expect((passed(new OperatorError('No')) as OperatorError).advice).toBeUndefined();
  });
});
