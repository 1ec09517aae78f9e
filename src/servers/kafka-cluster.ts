import { join } from 'node:path';
import { freePorts } from './free-port.ts';
import { type KafkaServer, type KafkaServerOptions, newClusterId, startKafka } from './kafka-server.ts';

export interface KafkaClusterOptions extends Pick<KafkaServerOptions, 'directory' | 'config' | 'log'> {
  /** How many nodes, each of them broker and controller (1). Of three one may be away: what they store, all of them do. */
  readonly brokers?: number;
  /** What clients are told instead of the brokers' ports, in the order of the nodes. */
  readonly toldPorts?: readonly number[];
}

/** The brokers of one cluster; disposing of it stops them. */
export interface KafkaCluster extends AsyncDisposable {
  /** Of all brokers, for bootstrap.servers. */
  readonly bootstrap: string;
  /** In the order of their nodes, of which the first is 1. */
  readonly brokers: readonly KafkaServer[];
}

/** Starts an Apache Kafka of one or more nodes that listen on 127.0.0.1 only. Throws OperatorError as `startKafka` does. */
export async function startKafkaCluster(
  { brokers: count = 1, directory, toldPorts, ...shared }: KafkaClusterOptions = {},
  signal?: AbortSignal,
): Promise<KafkaCluster> {
  const free = await freePorts(count * 3);
  const [ports, controllerPorts] = [free.slice(0, count), free.slice(count, 2 * count)];
  const clusterId = newClusterId();
  // A node has only started when there are enough of them, so all start at once.
  const started = await Promise.allSettled(
    ports.map(async (port, i) => {
      const replicationPort = free[2 * count + i] as number;
      const place = count === 1 ? {} : { member: { node: i + 1, clusterId, controllerPorts, replicationPort } };
      const where = directory === undefined ? {} : { directory: count === 1 ? directory : join(directory, `${i + 1}`) };
      const toldPort = toldPorts?.[i] ?? port;
      return await startKafka({ ...shared, ...place, ...where, port, toldPort }, signal);
    }),
  );
  const brokers = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => void (await Promise.all(brokers.map((broker) => broker.stop())));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return { brokers, bootstrap: brokers.map(({ bootstrap }) => bootstrap).join(','), [Symbol.asyncDispose]: stop };
}
