import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import type { Environment } from '../../connector/reference.ts';
import { type KafkaServer, startKafka } from './kafka-server.ts';
import { startPostgres } from './postgres-server.ts';

/** The servers of the demo; disposing of them stops them and removes their data. */
export interface Servers extends AsyncDisposable {
  readonly source: ConnectionSettings;
  readonly replica: ConnectionSettings;
  /** Of the Kafka that was asked for. */
  readonly bootstrapServers: string | undefined;
  /** What the connector files refer to. */
  readonly environment: Environment;
}

/** Starts both Postgres servers, and Kafka if wanted, at once. When one fails, the others are stopped again. */
export async function startServers(withKafka: boolean, signal: AbortSignal): Promise<Servers> {
  const started = await Promise.allSettled([
    startPostgres(),
    startPostgres(),
    withKafka ? startKafka({}, signal) : Promise.resolve(undefined),
  ]);
  const running = started.flatMap((result) => (result.status === 'fulfilled' && result.value ? [result.value] : []));
  const stopAll = async (): Promise<void> => {
    await Promise.all(running.map((server) => server[Symbol.asyncDispose]()));
  };
  try {
    signal.throwIfAborted();
    const [source, replica, kafka] = [valueOf(started[0]), valueOf(started[1]), valueOf(started[2])];
    return describe(await source.createDatabase('shop'), await replica.createDatabase('shop'), kafka, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

function describe(
  source: ConnectionSettings,
  replica: ConnectionSettings,
  kafka: KafkaServer | undefined,
  stopAll: () => Promise<void>,
): Servers {
  return {
    source,
    replica,
    bootstrapServers: kafka?.bootstrap,
    environment: { ...environment('SHOP_SOURCE', source), ...environment('SHOP_REPLICA', replica) },
    [Symbol.asyncDispose]: stopAll,
  };
}

function environment(prefix: string, { host, port, user, password, database }: ConnectionSettings): Environment {
  return {
    [`${prefix}_HOST`]: host,
    [`${prefix}_PORT`]: String(port),
    [`${prefix}_USER`]: user,
    [`${prefix}_PASSWORD`]: password,
    [`${prefix}_DATABASE`]: database,
  };
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}
