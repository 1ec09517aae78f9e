import type { ConnectionOptions } from 'node:tls';
import type { KafkaSettings } from '../log/kafka/settings.ts';
import type { KafkaClientConfig, TlsConfig } from './worker-config.ts';

/** How one client of this process reaches Kafka; `suffix` tells its connections from the others' in the brokers' logs. */
export function kafkaSettings(config: KafkaClientConfig, suffix: string): KafkaSettings {
  const { bootstrapServers, clientId, tls, sasl, requestTimeoutMs } = config;
  return {
    bootstrapServers,
    clientId: `${clientId}-${suffix}`,
    requestTimeoutMs,
    ...(tls ? { ssl: tlsOptions(tls) } : {}),
    ...(sasl ? { sasl } : {}),
  };
}

/** What Node's TLS takes, from PEM texts. */
export function tlsOptions({ ca, cert, key, keyPassword, verifyHostname }: TlsConfig): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  };
}
