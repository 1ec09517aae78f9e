import type { Completed } from '../connector/connector-class.ts';
import { type Files, readTls, saysTls } from '../connector/read-tls.ts';
import { completeRegistry, type RegistrySettings } from '../connector/registry-settings.ts';
import type { TlsSettings } from '../connector/tls-settings.ts';
import type { LogLevel } from '../observe/logger.ts';
import { completeRest, type Found, sharesTls } from './complete-rest.ts';
import { completeSasl } from './complete-sasl.ts';
import type { RestSettings } from './rest-settings.ts';
import type { SaslSettings } from './sasl-settings.ts';
import type { KafkaClientConfig, WorkerConfig } from './worker-config.ts';

/** The worker's settings one by one, by the members that `WorkerConfig` is made of. */
export interface WorkerSettings extends TlsSettings, RegistrySettings, RestSettings, SaslSettings {
  readonly connectorsDir: string;
  readonly connectorsWatch: boolean;
  readonly stateDir: string;
  readonly threads: number | undefined;
  readonly shutdownTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly resumeMs: number;
  readonly logLevel: LogLevel;
  readonly bootstrapServers: readonly string[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly compression: WorkerConfig['compression'];
  readonly securityProtocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
}

/** The daemon's configuration from its settings. */
export function completeWorker(
  settings: WorkerSettings,
  _given: ReadonlySet<string>,
  files: Files,
): Completed<WorkerConfig> {
  const found: Found = { problems: [], warnings: [], secrets: [] };
  const { connectorsDir, connectorsWatch, stateDir, threads, shutdownTimeoutMs, stallTimeoutMs, logLevel } = settings;
  const { compression, resumeMs, restConnectors } = settings;
  const config: WorkerConfig = {
    connectorsDir,
    connectorsWatch,
    stateDir,
    kafka: kafka(settings, found, files),
    compression,
    registry: completeRegistry(settings, '', found.problems, found.secrets, files),
    rest: completeRest(settings, settings, found, files),
    restConnectors,
    threads,
    shutdownTimeoutMs,
    stallTimeoutMs,
    resumeMs,
    logLevel,
  };
  return { config, ...found };
}

function kafka(settings: WorkerSettings, found: Found, files: Files): KafkaClientConfig | undefined {
  const { bootstrapServers, clientId, requestTimeoutMs, securityProtocol } = settings;
  const isTls = securityProtocol === 'SSL' || securityProtocol === 'SASL_SSL';
  if (bootstrapServers.length === 0) {
    if (securityProtocol !== 'PLAINTEXT')
      found.warnings.push('security.protocol has no effect without bootstrap.servers');
    return undefined;
  }
  const sasl = completeSasl(settings, settings, securityProtocol, found, files);
  const asksTls = sasl?.mechanism === 'oauthbearer' && sasl.endpoint.startsWith('https:');
  if (!isTls && !asksTls && saysTls(settings) && !sharesTls(settings))
    found.warnings.push(`ssl.* has no effect while security.protocol is ${securityProtocol}`);
  const tls = isTls ? readTls(settings, '', found.problems, files) : undefined;
  return { bootstrapServers, clientId, tls, sasl, requestTimeoutMs };
}
