import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { WRITERS } from './shop-schema.ts';
import { Shopkeeper } from './shopkeeper.ts';

/** A shop that is busy until it is stopped. */
export interface Workload extends AsyncDisposable {
  /** Ends after the transactions in flight; throws what failed one of them. */
  stop(): Promise<void>;
}

/** Makes about `rate` transactions a second, of all kinds, on several connections. */
export async function startWorkload(settings: ConnectionSettings, rate: number): Promise<Workload> {
  const stopping = new AbortController();
  const clients: pg.Client[] = [];
  for (let i = 0; i < WRITERS; i++) clients.push(await connect(settings, `shop ${i + 1}`));
  const done = Promise.all(clients.map((client, i) => work(new Shopkeeper(client, i), rate / WRITERS, stopping)));
  done.catch(() => {}); // `stop` throws it
  const stop = async (): Promise<void> => {
    stopping.abort();
    await done;
  };
  return {
    stop,
    async [Symbol.asyncDispose]() {
      await stop().catch(() => {}); // whoever wanted to know has called `stop`
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

/** A failure ends all writers: a shop that is half busy would show half the truth. */
async function work(shopkeeper: Shopkeeper, rate: number, stopping: AbortController): Promise<void> {
  const { signal } = stopping;
  try {
    const startedAt = performance.now();
    for (let i = 0; !signal.aborted; i++) {
      await shopkeeper.act();
      const aheadMs = startedAt + ((i + 1) * 1000) / rate - performance.now();
      if (aheadMs > 0) await sleep(aheadMs, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  } catch (error) {
    stopping.abort();
    throw error;
  }
}
