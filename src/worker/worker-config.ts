import type { CompressionName } from '../connector/compression-setting.ts';
import type { RegistryClientConfig, TlsConfig } from '../connector/client-config.ts';
import type { LogLevel } from '../observe/logger.ts';

export type { RegistryClientConfig, TlsConfig } from '../connector/client-config.ts';

/**
 * What the daemon is told, apart from its connectors: plain data that can be handed to a worker thread. The keys, defaults and
 * documentation are in `WORKER_SETTINGS`; `loadWorkerConfig` reads it from a file, `ROWCAST_*` variables and flags (the later wins).
 */
export interface WorkerConfig {
  /** `connectors.dir`, flag --connectors */
  readonly connectorsDir: string;
  /** `connectors.watch`: follow changed, added and removed files. */
  readonly connectorsWatch: boolean;
  /** `state.dir`, flag --state */
  readonly stateDir: string;
  /** Undefined: the embedded log in the state directory. */
  readonly kafka: KafkaClientConfig | undefined;
  /** `producer.compression.type`: of table topics, where a connector says nothing. */
  readonly compression: CompressionName;
  /** Undefined: the built-in registry. A connector may name another one. */
  readonly registry: RegistryClientConfig | undefined;
  /** Undefined when `listeners` is empty: nothing is served. */
  readonly rest: RestConfig | undefined;
  /** `rest.connectors`: whether REST changes the files of connectors. */
  readonly restConnectors: 'write' | 'read-only';
  /** `worker.threads`: worker threads that tasks run in; 0 runs them in the main thread. Undefined: one per core. */
  readonly threads: number | undefined;
  /** `task.shutdown.graceful.timeout.ms` */
  readonly shutdownTimeoutMs: number;
  /** `health.stall.timeout.ms`: a stage that makes no progress for this long is stalled. */
  readonly stallTimeoutMs: number;
  /** `task.resume.interval.ms`: how long a failure that a person can cure waits before it is tried again; 0: until it is started again. */
  readonly resumeMs: number;
  /** `log.level` */
  readonly logLevel: LogLevel;
}

/** How to reach Kafka, from Kafka's own keys (`bootstrap.servers`, `security.protocol`, `sasl.*`, `ssl.*`). Secrets are resolved. */
export interface KafkaClientConfig {
  readonly bootstrapServers: readonly string[];
  /** `client.id`: the beginning of every connection's name. */
  readonly clientId: string;
  readonly tls: TlsConfig | undefined;
  readonly sasl: SaslConfig | undefined;
  readonly requestTimeoutMs: number;
}

/** How to log in to Kafka. */
export type SaslConfig =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | OAuthConfig;

/** Tokens from `sasl.oauthbearer.token.endpoint.url`, by OAuth's client credentials grant. */
export interface OAuthConfig {
  readonly mechanism: 'oauthbearer';
  readonly endpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  readonly urlEncodes: boolean;
  readonly extensions: Readonly<Record<string, string>>;
  /** Authorities that the endpoint is trusted by, as PEM; undefined: the system's. */
  readonly ca: string | undefined;
}

/** Where and how the daemon serves REST, registry, health and metrics. */
export interface RestConfig {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** `rest.authentication`; `none` must be said explicitly for an address that is not loopback. */
  readonly authentication: 'none' | 'basic' | 'bearer';
  /** `user:password`, or the token. */
  readonly credentials: string | undefined;
  /** Undefined: plain HTTP. */
  readonly https: HttpsConfig | undefined;
}

/** TLS of the listener, as PEM texts (files are read when the configuration is). */
export interface HttpsConfig {
  /** The certificate that is shown, and those of its authorities behind it. */
  readonly cert: string;
  readonly key: string;
  readonly keyPassword: string | undefined;
  /** Authorities of clients' certificates; there are some when clients are asked for one. */
  readonly ca: string | undefined;
  /** `listeners.https.ssl.client.auth` */
  readonly clientAuth: 'none' | 'requested' | 'required';
}
