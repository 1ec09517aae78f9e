import { EventEmitter } from 'node:events';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { HeldWalSource } from '../../../src/source/wal/held-wal-source.ts';
import { noWish } from '../../../src/source/wal/sequences/sequence-sync.ts';
import type { ReplicationStream } from '../../../src/source/wal/stream.ts';
import { clock, SELF, settings } from './wal-fixture.ts';

const SETTINGS = settings({ host: 'nowhere', port: 1, database: 'd', user: 'u', sslmode: 'disable' });

test('releases the lock although the stream cannot be closed', async () => {
  const ended: string[] = [];
  const client = Object.assign(new EventEmitter(), { end: async () => void ended.push('client') });
  const stream = { close: () => Promise.reject(new Error('Stuck')) };
  const held = new HeldWalSource(
    {
      client: client as unknown as pg.Client,
      settings: SETTINGS,
      application: 'test',
      self: SELF,
      takeOver: false,
      identity: { system: '1', timeline: 1, publication: '1' },
      clock,
      filter: compileFilter(SETTINGS),
      openStream: () => Promise.reject(new Error('Not asked for')),
      warn: () => undefined,
      capture: { lists: {} },
      told: new Set(),
      wish: noWish(),
    },
    { stream: stream as unknown as ReplicationStream, confirmedLsn: 1 },
  );
  await expect(held[Symbol.asyncDispose]()).rejects.toThrow('Stuck');
  expect(ended).toEqual(['client']);
});
