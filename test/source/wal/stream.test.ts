import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { ReplicationStream } from '../../../src/source/wal/stream.ts';
import { CONSENT, fakeWalsender } from './fake-walsender.ts';

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
