import { registryIgnored, registryNames, registryRenames } from '../connector/registry-settings.ts';
import { tlsIgnored, tlsRenames } from '../connector/tls-settings.ts';

const NO_GROUP = 'daemons do not share work yet: each runs the files of its own directory';
const TOPICS = 'a daemon keeps its state in the state directory and in the topics of its connectors';
const CLIENTS = 'all clients of the daemon use the same settings, those without this prefix';
const AVRO = 'records are Avro';
const JAVA = 'it names a Java class';
const OWN_WAY = 'Rowcast has its own way to do this';
const SASL = 'PLAIN and SCRAM need nothing else, OAUTHBEARER asks an endpoint for tokens by itself';

/** Keys of Kafka Connect's workers that change nothing here, so that a connect-distributed.properties loads. */
export const IGNORED_BY_WORKER: Readonly<Record<string, string>> = {
  'group.id': NO_GROUP,
  'group.instance.id': NO_GROUP,
  'heartbeat.interval.ms': NO_GROUP,
  'session.timeout.ms': NO_GROUP,
  'rebalance.timeout.ms': NO_GROUP,
  'scheduled.rebalance.max.delay.ms': NO_GROUP,
  'worker.sync.timeout.ms': NO_GROUP,
  'worker.unsync.backoff.ms': NO_GROUP,
  'connect.protocol': NO_GROUP,
  'inter.worker.*': NO_GROUP,
  'rest.advertised.*': NO_GROUP,
  'config.storage.*': TOPICS,
  'offset.storage.*': TOPICS,
  'status.storage.*': TOPICS,
  'offset.flush.*': 'a checkpoint is written as soon as what it covers is stored',
  'exactly.once.source.support': 'the replica is exactly once without it',
  'transaction.boundary*': 'boundaries are the ones of the source',
  'plugin.*': 'all connectors are built in',
  'config.providers*': 'env, file and dir are built in: ${env:NAME}, ${file:path:key}, ${dir:path:file}',
  'connector.client.config.override.policy': CLIENTS,
  'producer.*': CLIENTS,
  'consumer.*': CLIENTS,
  'admin.*': CLIENTS,
  'key.converter*': AVRO,
  'value.converter*': AVRO,
  'internal.key.converter*': AVRO,
  'internal.value.converter*': AVRO,
  'header.converter*': 'headers are bytes',
  'topic.tracking.*': OWN_WAY,
  'topic.creation.enable': 'topics are created by connectors that need them',
  'metrics.*': OWN_WAY,
  'metric.reporters': JAVA,
  'auto.include.jmx.reporter': OWN_WAY,
  'access.control.allow.*': 'pages of other sites cannot ask this daemon',
  'response.http.headers.config': OWN_WAY,
  'client.dns.lookup': OWN_WAY,
  'connections.max.idle.ms': OWN_WAY,
  'metadata.*': OWN_WAY,
  'receive.buffer.bytes': OWN_WAY,
  'send.buffer.bytes': OWN_WAY,
  'retry.backoff.*': 'passing failures are retried for ever, with growing pauses',
  'reconnect.backoff.*': 'passing failures are retried for ever, with growing pauses',
  'socket.connection.setup.*': OWN_WAY,
  'security.providers': JAVA,
  'sasl.client.callback.handler.class': JAVA,
  'sasl.kerberos.*': SASL,
  'sasl.login.*': SASL,
  'sasl.oauthbearer.*': SASL,
  'log4j.*': 'log.level says what is logged',
  ...tlsIgnored(''),
  ...tlsIgnored('listeners.https.'),
  'listeners.https.ssl.endpoint.identification.algorithm': "a client's certificate is for no host",
  ...registryIgnored(''),
};

/** Keys of Kafka Connect's workers whose effect would be missed. */
export const UNSUPPORTED_BY_WORKER: Readonly<Record<string, string>> = {
  'rest.port': 'say listeners=http://host:port',
  'rest.host.name': 'say listeners=http://host:port',
  'rest.extension.classes': 'they are Java classes; rest.authentication=basic asks for a password',
  'admin.listeners': 'there is one listener: listeners',
  'ssl.client.auth': 'say listeners.https.ssl.client.auth',
};

const CONVERTERS = ['key.converter.', 'value.converter.'];

/** Other names of worker settings: librdkafka's, and those of the converters that a Connect worker has by default. */
export const RENAMED_BY_WORKER: Readonly<Record<string, string>> = {
  'metadata.broker.list': 'bootstrap.servers',
  'sasl.mechanisms': 'sasl.mechanism',
  ...tlsRenames(''),
  ...tlsRenames('listeners.https.'),
  ...registryRenames(''),
  ...Object.fromEntries(
    CONVERTERS.flatMap((prefix) => [
      ...Object.entries(registryRenames(prefix)).map(([old, key]) => [old, key.slice(prefix.length)]),
      ...registryNames().map((name) => [`${prefix}schema.registry.${name}`, `schema.registry.${name}`]),
    ]),
  ),
};
