import type { ConnectionOptions } from 'node:tls';
import { oauthTokens } from '../log/kafka/oauth-token.ts';
import type { KafkaSettings, SaslSettings } from '../log/kafka/settings.ts';
import { systemClock } from './system-clock.ts';
import type { KafkaClientConfig, OAuthConfig, TlsConfig } from './worker-config.ts';

/** How one client of this process reaches Kafka; `suffix` tells its connections from the others' in the brokers' logs. */
export function kafkaSettings(config: KafkaClientConfig, suffix: string): KafkaSettings {
  const { bootstrapServers, clientId, tls, sasl, requestTimeoutMs } = config;
  return {
    bootstrapServers,
    clientId: `${clientId}-${suffix}`,
    requestTimeoutMs,
    ...(tls ? { ssl: tlsOptions(tls) } : {}),
    ...(sasl ? { sasl: sasl.mechanism === 'oauthbearer' ? withTokens(sasl) : sasl } : {}),
  };
}

/** One client of Kafka asks for tokens of its own, once for all of its connections. */
function withTokens({ mechanism, ca, ...client }: OAuthConfig): SaslSettings {
  const oauthBearerProvider = oauthTokens({ ...client, tls: ca === undefined ? {} : { ca } }, systemClock);
  return { mechanism, oauthBearerProvider };
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
