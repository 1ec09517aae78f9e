import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { SeenEvent } from '../../../src/cli/demo/event-reader.ts';
import type { OutboxSettings } from '../../../src/pipeline/outbox/outbox-settings.ts';
import { connect } from '../../../src/postgres/connect.ts';
import type { Database } from '../../support/postgres.ts';

/** An application with aggregates of two kinds, and the outbox of their events. */
export const SCHEMA = /* sql */ `
  create table account (kind text, id int, n int not null default 0, primary key (kind, id));
  insert into account select kind, id from unnest(array['order', 'customer']) as kind, generate_series(1, 3) as id;
  create table outbox (id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb)`;

/** The outbox with Debezium's names. */
export const OUTBOX: OutboxSettings = {
  isOutbox: ({ name }) => name === 'outbox',
  id: 'id',
  key: 'aggregateid',
  payload: 'payload',
  routeBy: 'aggregatetype',
  headers: [{ column: 'type', header: 'type', optional: false }],
  topicRegex: '(?<routedByValue>.*)',
  topicParts: [{ text: 'outbox.event.' }, { group: 'routedByValue' }],
  reserved: [],
  tombstoneOnEmpty: false,
  onInvalidOp: 'warn',
  onInvalidRow: 'fatal',
};

/** Several sessions that write events at once, each event in the transaction of what it tells of. */
export class Writers {
  readonly #database: Database;
  /** Ids of events that were committed. */
  readonly written: string[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  /** Lets `sessions` write `each` events; some rows are deleted in their own transaction, some later, some stay, some are rolled back. */
  async write(sessions: number, each: number): Promise<void> {
    await Promise.all(Array.from({ length: sessions }, () => this.#session(each)));
  }

  async #session(count: number): Promise<void> {
    const client = await connect(this.#database.settings, 'outbox writer');
    try {
      for (let i = 0; i < count; i++) {
        const id = randomUUID();
        const kind = Math.random() < 0.5 ? 'order' : 'customer';
        const account = 1 + Math.floor(Math.random() * 3);
        const end = Math.random() < 0.1 ? 'rollback' : 'commit';
        await client.query('begin');
        // The lock of the aggregate's row is what orders its events.
        await client.query(
          /* sql */ `with counted as (update public.account set n = n + 1 where kind = $2 and id = $3 returning n)
            insert into public.outbox select $1, $2, $3, 'Counted', jsonb_build_object('n', n) from counted`,
          [id, kind, account],
        );
        if (i % 3 === 0) await client.query(/* sql */ `delete from public.outbox where id = $1`, [id]);
        await client.query(end);
        if (end === 'commit') this.written.push(id);
        if (i % 3 === 1) await client.query(/* sql */ `delete from public.outbox where id = $1`, [id]);
      }
    } finally {
      await client.end();
    }
  }
}

/** Each event that was written is there once, with its id in the header, in the order of its aggregate. */
export function expectOnceInOrder(events: readonly SeenEvent[], written: readonly string[]): void {
  const ids = events.map(({ headers }) => headers.id ?? '');
  expect(ids.sort()).toEqual([...written].sort());
  const seen = new Map<string, number[]>();
  for (const { topic, key, value, headers } of events) {
    expect(headers.type).toBe('Counted');
    const { n } = JSON.parse(value ?? '') as { n: number };
    const aggregate = `${topic} ${key}`;
    seen.set(aggregate, [...(seen.get(aggregate) ?? []), n]);
  }
  expect([...seen.keys()].every((each) => /^outbox\.event\.(order|customer) [123]$/.test(each))).toBe(true);
  for (const [aggregate, numbers] of seen) expect(numbers, aggregate).toEqual(numbers.map((_, i) => i + 1));
}
