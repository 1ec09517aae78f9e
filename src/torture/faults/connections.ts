import { setTimeout as sleep } from 'node:timers/promises';
import { brokerIndex, brokerNames } from '../restart.ts';
import type { Network } from '../network.ts';
import { asked } from '../scene.ts';
import type { Stage } from '../stage.ts';
import type { FaultProxy } from '../fault-proxy.ts';
import type { Fault, RunShape } from './fault.ts';

/** How long a network that holds everything up does so at most. */
const LONGEST_STALL_MS = 6000;
const SHORTEST_STALL_MS = 500;
/** After this the source is taken for gone, and everything else sooner. */
const SILENCE_MS = 200_000;
/** An answer that nobody asks for any more cannot be lost. */
const LOSS_MS = 30_000;

function peersOf({ brokers }: RunShape): readonly string[] {
  return ['source', 'replica', ...brokerNames(brokers)];
}

function networkOf({ network }: Stage): Network {
  if (network === undefined) throw new Error('The service talks to its servers without proxies');
  return network;
}

function proxyOf(stage: Stage, peer: string): FaultProxy {
  const network = networkOf(stage);
  if (peer === 'source' || peer === 'replica') return network[peer];
  return network.brokers[brokerIndex(peer)] as FaultProxy;
}

/** All connections to one server break at once. */
export const cut: Fault = {
  kind: 'cut',
  targets: peersOf,
  strike: async ({ stage }, peer) => proxyOf(stage, peer).cut() > 0,
};

/** The network to one server holds everything up for a while, and then delivers it. */
export const stall: Fault = {
  kind: 'stall',
  targets: peersOf,
  async strike({ stage, random }, peer) {
    const proxy = proxyOf(stage, peer);
    const isHit = proxy.connections > 0;
    proxy.holdUp();
    try {
      await sleep(random.between(SHORTEST_STALL_MS, LONGEST_STALL_MS), undefined, { signal: stage.signal });
    } finally {
      proxy.goOn();
    }
    return isHit;
  },
};

/** The connections to one server are gone, and nobody is told. */
export const halfOpen: Fault = {
  kind: 'half-open',
  targets: peersOf,
  patienceMs: SILENCE_MS,
  strike: async ({ stage }, peer) => proxyOf(stage, peer).silence() > 0,
};

/** A request is carried out and its answer never arrives: the connection breaks, or says nothing more. */
export const lostResponse: Fault = {
  kind: 'lost-response',
  patienceMs: SILENCE_MS,
  targets: ({ log }) =>
    log === 'kafka'
      ? ['Produce', 'COMMIT', 'Fetch', 'Produce, silent', 'COMMIT, silent', 'Fetch, silent']
      : ['COMMIT', 'COMMIT, silent'],
  async strike({ stage, until }, target) {
    const [request, silent] = target.split(', ') as [string, string | undefined];
    const { replica, brokers } = networkOf(stage);
    const proxies = request === 'COMMIT' ? [replica] : brokers;
    let isHit = false;
    const hit = (): void => {
      isHit = true;
      for (const proxy of proxies) proxy.loseNothing();
    };
    for (const proxy of proxies) proxy.lose(request, silent === undefined ? 'broken' : 'silent', hit);
    const since = performance.now();
    await until(() => isHit || performance.now() - since > LOSS_MS, `the service asks for ${request} no more`);
    for (const proxy of proxies) proxy.loseNothing();
    return isHit;
  },
};

/** The server ends the session that the stream comes from. */
export const walsender: Fault = {
  kind: 'walsender',
  targets: ({ source }) => (source === 'wal' ? ['walsender'] : []),
  strike: async ({ stage }) =>
    await asked(stage.servers.source, async (client) => {
      const { rowCount } = await client.query(
        /* sql */ `select pg_terminate_backend(active_pid) from pg_replication_slots where active_pid is not null`,
      );
      return (rowCount ?? 0) > 0;
    }),
};
