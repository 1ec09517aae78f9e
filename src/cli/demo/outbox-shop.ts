import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';

/** Orders, and the outbox that tells of them, with Debezium's names. */
const SCHEMA = /* sql */ `
  create table public.orders (id int primary key, steps int not null default 0);
  insert into public.orders select generate_series(1, 8);
  create table public.outbox (
    id uuid primary key, aggregatetype text not null, aggregateid text not null, type text not null, payload jsonb)`;

const KINDS = ['OrderPlaced', 'OrderPaid', 'OrderShipped', 'OrderReturned'] as const;
const WRITERS = 4;
/** An event of each writer about so often. */
const PAUSE_MS = 250;

export async function prepareOutboxShop(database: ConnectionSettings): Promise<void> {
  const client = await connect(database, 'rowcast demo');
  try {
    await client.query(SCHEMA);
  } finally {
    await client.end();
  }
}

/** Lets several sessions change the same few orders until `signal` aborts; resolves with the ids of the events that were committed. */
export async function writeEvents(database: ConnectionSettings, signal: AbortSignal): Promise<readonly string[]> {
  const written = await Promise.all(Array.from({ length: WRITERS }, () => writer(database, signal)));
  return written.flat();
}

async function writer(database: ConnectionSettings, signal: AbortSignal): Promise<readonly string[]> {
  const client = await connect(database, 'rowcast demo');
  const written: string[] = [];
  try {
    while (!signal.aborted) {
      const id = randomUUID();
      if (await writeEvent(client, id)) written.push(id);
      await sleep(Math.random() * 2 * PAUSE_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  } finally {
    await client.end();
  }
  return written;
}

/** An order's step and its event in one transaction; the row of the outbox goes at once, because the WAL has it. True when it was committed. */
async function writeEvent(client: pg.Client, id: string): Promise<boolean> {
  const isKept = Math.random() > 0.1;
  await client.query(/* sql */ `begin`);
  await client.query(
    /* sql */ `with step as (update public.orders set steps = steps + 1 where id = $2 returning steps)
      insert into public.outbox select $1, 'order', $2::text, $3, jsonb_build_object('order', $2, 'step', steps) from step`,
    [id, 1 + Math.floor(Math.random() * 8), KINDS[Math.floor(Math.random() * KINDS.length)]],
  );
  await client.query(/* sql */ `delete from public.outbox where id = $1`, [id]);
  await client.query(isKept ? /* sql */ `commit` : /* sql */ `rollback`);
  return isKept;
}
