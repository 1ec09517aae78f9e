import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import type { Environment } from '../../connector/reference.ts';
import { startServerPair } from '../../servers/server-pair.ts';

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
  const pair = await startServerPair({ name: 'shop', kafka: withKafka ? {} : undefined }, signal);
  const { source, replica, kafka } = pair;
  return {
    source,
    replica,
    bootstrapServers: kafka?.bootstrap,
    environment: { ...environment('SHOP_SOURCE', source), ...environment('SHOP_REPLICA', replica) },
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
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
