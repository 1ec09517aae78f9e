import { kafkaDialogue, postgresDialogue } from './dialogues.ts';
import { type Destination, FaultProxy } from './fault-proxy.ts';
import type { ServerPair } from '../servers/server-pair.ts';

/** A server that the service talks to. */
export type Peer = 'source' | 'replica' | 'broker';

/** The proxies between the service and its servers. The harness itself talks to Postgres past them. */
export interface Network extends AsyncDisposable {
  readonly proxies: Readonly<Record<Peer, FaultProxy>>;
  /** From now on they lead to these servers. */
  attach(servers: ServerPair): void;
}

/** Starts a proxy for each server; they lead nowhere until servers are attached. */
export async function startNetwork(): Promise<Network> {
  let servers: ServerPair | undefined;
  const to =
    (portOf: (pair: ServerPair) => number | undefined): Destination =>
    () => ({ host: '127.0.0.1', port: (servers && portOf(servers)) ?? 1 });
  const [source, replica, broker] = await Promise.all([
    FaultProxy.start(to(({ source }) => source.port)),
    FaultProxy.start(
      to(({ replica }) => replica.port),
      postgresDialogue,
    ),
    FaultProxy.start(
      to(({ kafka }) => kafka?.port),
      kafkaDialogue,
    ),
  ]);
  const proxies = { source, replica, broker };
  return {
    proxies,
    attach(pair) {
      servers = pair;
    },
    async [Symbol.asyncDispose]() {
      for (const proxy of Object.values(proxies)) await proxy[Symbol.asyncDispose]();
    },
  };
}
