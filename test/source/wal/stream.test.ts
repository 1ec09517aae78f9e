import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { ReplicationStream, type StreamListener } from '../../../src/source/wal/stream.ts';
import { createCertificates } from '../../converter/registry/certificates.ts';
import { CONSENT, fakeWalsender, keepalive, serverMessage, xLogData } from './fake-walsender.ts';

const OPTIONS = { application: 'a', slot: 's', publication: 'p' };
const { signal } = new AbortController();
const tls = createCertificates()?.server;

/** Notes what a stream says. */
class Ear implements StreamListener {
  readonly said: unknown[] = [];
  message(bytes: Buffer, start: number, end: number, lsn: number): void {
    this.said.push([bytes.toString('latin1', start, end), lsn]);
  }
  keepalive(walEnd: number, replyRequested: boolean): void {
    this.said.push([walEnd, replyRequested]);
  }
  failed(error: Error): void {
    this.said.push([error.message, error.cause instanceof Error ? error.cause.message : undefined]);
  }
}

test('leaves nothing on the signal of a task that opens many streams', async () => {
  await using server = await fakeWalsender((socket) => socket.write(CONSENT));
  await using silent = await fakeWalsender();
  const abort = new AbortController();
  const options = { application: 'a', slot: 's', publication: 'p' };
  for (let i = 0; i < 3; i++) {
    const stream = await ReplicationStream.open({ ...options, connection: server.connection }, abort.signal);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    await stream.close();
  }
  const opening = ReplicationStream.open({ ...options, connection: silent.connection }, abort.signal);
  await expect.poll(() => getEventListeners(abort.signal, 'abort')).toHaveLength(1);
  abort.abort(new Error('Enough'));
  await expect(opening).rejects.toThrow('Enough');
  await expect(ReplicationStream.open({ ...options, connection: server.connection }, abort.signal)).rejects.toThrow(
    'Enough',
  );
});

test.skipIf(tls === undefined)('hands out what comes through TLS, and pauses', async () => {
  const piece = Buffer.alloc(200_000, 'x');
  await using server = await fakeWalsender((socket) => {
    socket.write(Buffer.concat([CONSENT, xLogData(1, Buffer.from('early'))]));
    for (let lsn = 2; lsn < 52; lsn++) socket.write(xLogData(lsn, piece));
    socket.write(keepalive(60, true));
    socket.write(serverMessage('E', Buffer.from('SFATAL\0C57P01\0Mshutting down\0\0')));
  }, tls);
  await using stream = await ReplicationStream.open({ ...OPTIONS, connection: server.connection }, signal);
  const ear = new Ear();
  stream.listen(ear);
  expect(ear.said.length).toBeLessThan(10); // paused
  stream.resume();
  await expect.poll(() => ear.said).toHaveLength(53);
  expect(ear.said[0]).toEqual(['early', 1]);
  expect(ear.said.slice(1, 51)).toEqual(Array.from({ length: 50 }, (_, i) => [piece.toString(), i + 2]));
  expect(ear.said.slice(51)).toEqual([
    [60, true],
    ['The replication stream of slot "s" broke', 'shutting down (SQLSTATE 57P01)'],
  ]);
});

test('tells the server at once of a position, and of those that follow it closely only the last', async () => {
  await using server = await fakeWalsender((socket) => socket.write(CONSENT));
  await using stream = await ReplicationStream.open({ ...OPTIONS, connection: server.connection }, signal);
  for (let lsn = 101; lsn <= 200; lsn++) stream.acknowledge(lsn);
  await expect.poll(() => server.flushed.at(-1)).toBe(200);
  expect(server.flushed[0]).toBe(101);
  expect(server.flushed.length).toBeLessThan(100);
});

test('tells the server of the last position when it is closed', async () => {
  await using server = await fakeWalsender((socket) => socket.write(CONSENT));
  const stream = await ReplicationStream.open({ ...OPTIONS, connection: server.connection }, signal);
  stream.acknowledge(101);
  stream.acknowledge(102);
  await stream.close();
  await expect.poll(() => server.flushed.at(-1)).toBe(102);
});

test('tells an error of the server behind what came before it', async () => {
  await using server = await fakeWalsender((socket) => {
    const error = serverMessage('E', Buffer.from('SERROR\0C55000\0Mslot is gone\0\0'));
    socket.write(Buffer.concat([CONSENT, xLogData(1, Buffer.from('a')), error, xLogData(2, Buffer.from('b'))]));
  });
  await using stream = await ReplicationStream.open({ ...OPTIONS, connection: server.connection }, signal);
  const ear = new Ear();
  stream.listen(ear);
  stream.resume();
  await expect.poll(() => ear.said).toHaveLength(3);
  expect(ear.said.slice(0, 2)).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  expect(ear.said[2]).toContain('slot is gone (SQLSTATE 55000)');
});

test('ends when the server says what is not the protocol', async () => {
  await using server = await fakeWalsender((socket) => {
    socket.write(Buffer.concat([CONSENT, xLogData(1, Buffer.from('a')), Buffer.from('HTTP/1.1 400')]));
  });
  await using stream = await ReplicationStream.open({ ...OPTIONS, connection: server.connection }, signal);
  const ear = new Ear();
  stream.listen(ear);
  stream.resume();
  await expect
    .poll(() => ear.said)
    .toEqual([
      ['a', 1],
      ['The server sent a message of impossible length', undefined],
    ]);
});

test('reads no more than it had begun to while it is paused', async () => {
  let isDrained = false;
  await using server = await fakeWalsender((socket) => {
    socket.write(CONSENT);
    const row = xLogData(1, Buffer.alloc(1000, 'x'));
    const all = Buffer.alloc(row.length * 40_000);
    for (let at = 0; at < all.length; at += row.length) row.copy(all, at);
    socket.write(all, () => {
      isDrained = true;
    });
  });
  await using stream = await ReplicationStream.open({ ...OPTIONS, connection: server.connection }, signal);
  let rows = 0;
  stream.listen({
    message: () => {
      rows++;
      stream.pause();
    },
    keepalive: () => undefined,
    failed: () => undefined,
  });
  stream.resume();
  stream.pause(); // a resume that was overtaken
  stream.resume();
  await expect.poll(() => rows).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(rows).toBeLessThan(300);
  expect(isDrained).toBe(false);
});
