import type { ConnectionOptions } from 'node:tls';
import type { OAuthToken } from './oauth-token.ts';

/** How to authenticate to Kafka. Never printed (Invariant 11). */
export type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      /** A token that is valid now; what it throws is what opening the connection throws. */
      readonly oauthBearerProvider: () => Promise<OAuthToken>;
    };

/** How to reach a Kafka cluster; what the Kafka-style keys of a worker come down to. */
export interface KafkaSettings {
  /** `host:port` each; tried in turn until one answers. */
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  /** TLS with these options; absent: no TLS. */
  readonly ssl?: ConnectionOptions;
  readonly sasl?: SaslSettings;
  /** How long a broker may take to answer, and replicas to store what was sent (30,000 by default). */
  readonly requestTimeoutMs?: number;
  /** How long a connection may take until it is open and authenticated (10,000 by default). */
  readonly connectTimeoutMs?: number;
}

export const REQUEST_TIMEOUT_MS = 30_000;
export const CONNECT_TIMEOUT_MS = 10_000;
