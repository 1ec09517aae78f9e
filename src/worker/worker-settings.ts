import { compressionType } from '../connector/compression-setting.ts';
import type { Declaration } from '../connector/connector-class.ts';
import { registrySettings } from '../connector/registry-settings.ts';
import { choice, flag, integer, list, optional, type Setting, text } from '../connector/setting.ts';
import { tlsSettings } from '../connector/tls-settings.ts';
import { OperatorError } from '../errors.ts';
import { LOG_LEVELS } from '../observe/logger.ts';
import { completeWorker, type WorkerSettings } from './complete-worker.ts';
import { restSettings } from './rest-settings.ts';
import { saslSettings } from './sasl-settings.ts';
import type { WorkerConfig } from './worker-config.ts';
import { IGNORED_BY_WORKER, RENAMED_BY_WORKER, UNSUPPORTED_BY_WORKER } from './worker-keys.ts';

const effect = 'daemon';

/** Everything that the daemon can be told apart from its connectors. Keys are Kafka Connect's where it has them. */
export const WORKER_SETTINGS: Declaration<WorkerSettings, WorkerConfig> = {
  name: 'worker',
  doc: 'The daemon itself: where its connectors, its state and Kafka are, and what it serves.',
  settings: {
    connectorsDir: text('connectors.dir', {
      group: 'Connectors',
      effect,
      importance: 'high',
      default: 'connectors',
      doc: 'Directory of connector files: every .json file in it is one connector.',
    }),
    connectorsWatch: flag('connectors.watch', {
      group: 'Connectors',
      effect,
      default: 'true',
      doc: 'Follow files that are changed, added and removed while the daemon runs. Without it the daemon ends when all connectors have ended.',
    }),
    stateDir: text('state.dir', {
      group: 'State',
      effect,
      importance: 'high',
      default: '.rowcast',
      doc: "Directory where the daemon keeps its identity, and the log when there is no Kafka. Keep it as long as the daemon's connectors.",
    }),
    bootstrapServers: servers('bootstrap.servers'),
    clientId: text('client.id', {
      group: 'Kafka',
      effect,
      importance: 'low',
      default: 'rowcast',
      pattern: /^[A-Za-z0-9._-]{1,100}$/,
      rule: 'letters, digits, dots, dashes and underscores, at most 100',
      doc: "Beginning of the names that the daemon's connections have in the brokers' logs and quotas.",
    }),
    requestTimeoutMs: integer('request.timeout.ms', 1000, 3_600_000, {
      group: 'Kafka',
      effect,
      importance: 'low',
      default: '30000',
      doc: 'How long a broker may take to answer.',
    }),
    compression: compressionType('producer.compression.type', {
      group: 'Kafka',
      effect,
      default: 'none',
      doc: "What the records of table topics are compressed with, in the built-in log too; a connector's producer.override.compression.type says otherwise. lz4 costs the least CPU. Records are read whatever they are compressed with.",
    }),
    securityProtocol: choice('security.protocol', ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
      group: 'Kafka security',
      effect,
      default: 'PLAINTEXT',
      doc: 'Whether connections to the brokers use TLS (SSL), and whether a user logs in (SASL).',
    }),
    ...saslSettings(),
    ...tlsSettings('', 'Kafka security', effect),
    ...registrySettings('', effect),
    ...restSettings(),
    threads: optional(
      integer('worker.threads', 0, 256, {
        group: 'Daemon',
        effect,
        doc: 'Worker threads that connectors run in; 0: in the main thread. One per core when it is not said.',
      }),
    ),
    shutdownTimeoutMs: integer('task.shutdown.graceful.timeout.ms', 0, 3_600_000, {
      group: 'Daemon',
      effect,
      default: '5000',
      doc: 'How long connectors may take to write their last checkpoint when the daemon is told to stop.',
    }),
    stallTimeoutMs: integer('health.stall.timeout.ms', 1000, 86_400_000, {
      group: 'Daemon',
      effect,
      default: '60000',
      doc: 'A connector that makes no progress for this long, although it has something to do, is unhealthy.',
    }),
    resumeMs: integer('task.resume.interval.ms', 0, 86_400_000, {
      group: 'Daemon',
      effect,
      default: '30000',
      doc: 'A connector that has failed for a cause that a person can cure (a grant, a password, a missing table) is tried again after this time, or up to twice of it, so that it goes on by itself; 0: only when it is started again.',
    }),
    logLevel: choice('log.level', LOG_LEVELS, {
      group: 'Daemon',
      effect,
      default: 'info',
      doc: 'Least important log lines that are written.',
    }),
  },
  aliases: {},
  renamed: RENAMED_BY_WORKER,
  ignored: IGNORED_BY_WORKER,
  unsupported: UNSUPPORTED_BY_WORKER,
  harmless: { 'admin.listeners': [''], 'ssl.client.auth': ['none'] },
  complete: completeWorker,
};

function servers(key: string): Setting<readonly string[]> {
  const setting = list(key, {
    group: 'Kafka',
    effect,
    importance: 'high',
    doc: "Kafka's brokers, host:port separated by commas. Empty: the log built in, in the state directory.",
  });
  return {
    ...setting,
    parse(value) {
      const addresses = setting
        .parse(value)
        .map((each) => each.replace(/^(PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL):\/\//, ''));
      if (addresses.every((each) => /^([^\s:/@]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(each))) return addresses;
      throw new OperatorError('must be host:port, several separated by commas');
    },
  };
}
