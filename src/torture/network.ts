import { kafkaDialogue, postgresDialogue } from './dialogues.ts';
import { type Destination, FaultProxy } from './fault-proxy.ts';
import type { ServerPair } from '../servers/server-pair.ts';

/** The proxies between the service and its servers. The harness itself talks to Postgres past them. */
export interface Network extends AsyncDisposable {
  readonly source: FaultProxy;
  readonly replica: FaultProxy;
  /** One before each broker. */
  readonly brokers: readonly FaultProxy[];
  /** From now on they lead to these servers. */
  attach(servers: ServerPair): void;
}

/** Starts a proxy for each server, with so many brokers; they lead nowhere until servers are attached. */
export async function startNetwork(brokerCount: number): Promise<Network> {
  let servers: ServerPair | undefined;
  const to =
    (portOf: (pair: ServerPair) => number | undefined): Destination =>
    () => ({ host: '127.0.0.1', port: (servers && portOf(servers)) ?? 1 });
  const [source, replica, ...brokers] = await Promise.all([
    FaultProxy.start(to(({ source }) => source.port)),
    FaultProxy.start(
      to(({ replica }) => replica.port),
      postgresDialogue,
    ),
    ...Array.from({ length: brokerCount }, (_, i) =>
      FaultProxy.start(
        to(({ kafka }) => kafka?.brokers[i]?.port),
        kafkaDialogue,
      ),
    ),
  ]);
  return {
    source,
    replica,
    brokers,
    attach(pair) {
      servers = pair;
    },
    async [Symbol.asyncDispose]() {
      for (const proxy of [source, replica, ...brokers]) await proxy[Symbol.asyncDispose]();
    },
  };
}
