import { join } from 'node:path';
import {
  type ServerPair,
  type ServerPairOptions,
  startServerPair,
  writeConnectorPair,
} from '../servers/server-pair.ts';
import type { KafkaClusterOptions } from '../servers/kafka-cluster.ts';
import type { Network } from './network.ts';

/** `topic.prefix`, and the name of the database on both sides. */
export const PREFIX = 'torture';

export type Servers = ServerPair;

/** A broker that was killed reads the last segment of every partition again, so that one that is no larger than this keeps its return short in a long run. */
const SEGMENT_BYTES = String(16 * 1024 * 1024);

/** What connector files are made of. */
export type Reached = Pick<Servers, 'source' | 'replica' | 'kafka'>;

/**
 * Starts both Postgres servers, and Kafka if it is to have brokers. With `keepIn` their data stays in that folder. With a network the broker names its proxy to
 * its clients, and notices are shorter, so that what a silent connection holds is free again soon.
 */
export async function startServers(
  brokers: number,
  keepIn: string | undefined,
  network?: Network,
  signal?: AbortSignal,
): Promise<Servers> {
  const place = (name: string): { directory?: string } =>
    keepIn === undefined ? {} : { directory: join(keepIn, name) };
  const kafka: KafkaClusterOptions = {
    ...place('kafka'),
    brokers,
    config: { 'log.segment.bytes': SEGMENT_BYTES },
    ...(network && { toldPorts: network.brokers.map(({ port }) => port) }),
  };
  const options: ServerPairOptions = {
    name: PREFIX,
    source: { ...place('source'), ...(network && { settings: { wal_sender_timeout: '10s' } }) },
    replica: place('replica'),
    kafka: brokers > 0 ? kafka : undefined,
  };
  const servers = await startServerPair(options, signal);
  network?.attach(servers);
  return servers;
}

/** Where the service finds its servers: themselves, or the proxies before them. */
export function reachedBy(servers: Servers, network: Network | undefined): Reached {
  if (network === undefined) return servers;
  const { source, replica } = network;
  return {
    kafka: servers.kafka,
    source: { ...servers.source, port: source.port },
    replica: { ...servers.replica, port: replica.port },
  };
}

/**
 * Writes the two connector files into `directory`, with these settings of the source, and returns the environment that they refer to. Batches are
 * small, so that transactions span several and the first copy has many.
 */
export async function writeConnectors(
  directory: string,
  servers: Reached,
  settings: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const brokers = servers.kafka?.brokers.length ?? 0;
  return await writeConnectorPair(directory, PREFIX, servers, {
    source: {
      'table.include.list': 'public\\..*',
      'max.batch.bytes': '65536',
      'topic.creation.default.partitions': brokers > 0 ? '3' : '1',
      ...(brokers > 1 && {
        'topic.creation.default.replication.factor': String(brokers),
        'topic.creation.default.min.insync.replicas': String(brokers - 1),
      }),
      ...settings,
    },
    replica: { 'auto.create': 'true', 'target.not.empty': 'refuse' },
  });
}
