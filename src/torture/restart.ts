import type { KafkaServer } from '../servers/kafka-server.ts';
import type { Servers } from './servers.ts';
import type { Watcher } from './watcher.ts';

const OF_POSTGRES = ['source, fast', 'source, immediate', 'replica, immediate'] as const;

/** How a broker is called: by its node where there are several. */
export type BrokerName = 'broker' | `broker ${number}`;

/** What is restarted while the service goes on. */
export type Restart = (typeof OF_POSTGRES)[number] | `${BrokerName}, SIGKILL`;

/** How so many brokers are called. */
export function brokerNames(count: number): readonly BrokerName[] {
  return count === 1 ? ['broker'] : Array.from({ length: count }, (_, i): BrokerName => `broker ${i + 1}`);
}

/** All that can be restarted with so many brokers. */
export function restartsOf(brokers: number): readonly Restart[] {
  return [...OF_POSTGRES, ...killsOf(brokers)];
}

/** A SIGKILL for each of so many brokers. */
export function killsOf(brokers: number): readonly Restart[] {
  return brokerNames(brokers).map((name): Restart => `${name}, SIGKILL`);
}

/** Which of the brokers a text that begins with its name means, counted from 0. */
export function brokerIndex(text: string): number {
  const node = /^broker (\d+)/.exec(text)?.[1];
  return node === undefined ? 0 : Number(node) - 1;
}

export function brokerOf({ kafka }: Servers, text: string): KafkaServer {
  const broker = kafka?.brokers[brokerIndex(text)];
  if (broker === undefined) throw new Error(`There is no ${text}`);
  return broker;
}

/** Stops a server and starts it again. */
export async function restartServer(what: Restart, servers: Servers, watcher: Watcher): Promise<void> {
  const { sourceServer, replicaServer } = servers;
  if (what === 'source, fast' || what === 'source, immediate') {
    await sourceServer.stop(what === 'source, fast' ? 'fast' : 'immediate');
    return await sourceServer.start();
  }
  if (what === 'replica, immediate') {
    await replicaServer.stop('immediate');
    watcher.crashed();
    return await replicaServer.start();
  }
  const broker = brokerOf(servers, what);
  broker.kill();
  return await broker.restart();
}
