import { registryIgnored, registryNames, registryRenames } from './registry-settings.ts';

/** Confluent's Avro converter: the format that is written anyway. */
const AVRO_CONVERTER = 'io.confluent.connect.avro.AvroConverter';

const TOPIC_NAME_STRATEGY = 'io.confluent.kafka.serializers.subject.TopicNameStrategy';

const FRAMEWORK = 'Rowcast has its own way to do this';
const CLIENTS = 'Kafka clients are set up by the daemon';

/** Connect's keys that every kind of connector may have and that change nothing here. */
export const IGNORED_BY_ALL: Readonly<Record<string, string>> = {
  'tasks.max.enforce': FRAMEWORK,
  'header.converter*': 'headers are bytes',
  ...forBothConverters({
    'schemas.enable': 'records are Avro',
    'schemas.cache.config': FRAMEWORK,
    'schemas.cache.size': FRAMEWORK,
    'connect.meta.data': 'schemas always say where their types come from',
    'ignore.default.for.nullables': 'NULL is always written as NULL',
    'latest.compatibility.strict': FRAMEWORK,
  }),
  ...registryIgnored('key.converter.'),
  ...registryIgnored('value.converter.'),
  'config.action.reload': FRAMEWORK,
  'errors.log.*': FRAMEWORK,
  'errors.retry.*': 'passing failures are retried for ever, with growing pauses',
  'errors.max.retries': 'passing failures are retried for ever, with growing pauses',
  'producer.override.*': CLIENTS,
  'consumer.override.*': CLIENTS,
  'admin.override.*': CLIENTS,
};

/** Other names of settings that every kind of connector has. Both converters of a connector use one registry. */
export const RENAMED_BY_ALL: Readonly<Record<string, string>> = {
  ...registryRenames('value.converter.'),
  ...Object.fromEntries(
    Object.entries(registryRenames('key.converter.')).map(([old, key]) => [old, key.replace(/^key\./, 'value.')]),
  ),
  ...Object.fromEntries(
    registryNames().map((name) => [`key.converter.schema.registry.${name}`, `value.converter.schema.registry.${name}`]),
  ),
};

/** What is written and read anyway. */
export const HARMLESS_TO_ALL: Readonly<Record<string, readonly string[]>> = {
  'key.converter': [AVRO_CONVERTER],
  'value.converter': [AVRO_CONVERTER],
  'key.converter.auto.register.schemas': ['true'],
  'value.converter.auto.register.schemas': ['true'],
  'key.converter.use.latest.version': ['false'],
  'value.converter.use.latest.version': ['false'],
  'key.converter.enhanced.avro.schema.support': ['false'],
  'value.converter.enhanced.avro.schema.support': ['false'],
  'key.converter.scrub.invalid.names': ['false'],
  'value.converter.scrub.invalid.names': ['false'],
  'key.converter.key.subject.name.strategy': [TOPIC_NAME_STRATEGY],
  'value.converter.value.subject.name.strategy': [TOPIC_NAME_STRATEGY],
};

/** What sources of changes, which have Debezium's names, do anyway. */
export const HARMLESS_TO_CHANGES: Readonly<Record<string, readonly string[]>> = {
  'topic.delimiter': ['.'],
  'errors.tolerance': ['none'],
  'topic.naming.strategy': ['io.debezium.schema.SchemaTopicNamingStrategy'],
  'skip.messages.without.change': ['false'],
  'event.processing.failure.handling.mode': ['fail'],
  ...HARMLESS_TO_ALL,
};

/** Connect's keys whose effect would be missed by every kind of connector. */
export const UNSUPPORTED_BY_ALL: Readonly<Record<string, string>> = {
  'predicates*': 'there are no predicates yet',
  'key.converter*': 'records are written and read as Avro; leave this out',
  'value.converter*': 'records are written and read as Avro; leave this out',
};

function forBothConverters(table: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(table);
  return Object.fromEntries(
    ['key.converter.', 'value.converter.'].flatMap((prefix) =>
      entries.map(([name, reason]) => [`${prefix}${name}`, reason]),
    ),
  );
}

/** Keys of Debezium's Postgres connector and of Connect that change nothing for a WAL source. */
export const IGNORED_BY_SOURCES: Readonly<Record<string, string>> = {
  ...IGNORED_BY_ALL,
  'value.converter.delegate.converter.type*': 'only events of an outbox are not Avro',
  'plugin.name': 'pgoutput is always used',
  'database.tcpKeepAlive': 'it is always on',
  'database.sslfactory': 'it names a Java class',
  'slot.max.retries': 'a busy slot is waited for',
  'slot.retry.delay.ms': 'a busy slot is waited for',
  'slot.stream.params': 'it belongs to another plugin',
  'snapshot.fetch.size': 'batches are bounded in bytes: max.batch.bytes',
  'snapshot.max.threads.multiplier': 'chunks are sized in bytes: snapshot.chunk.bytes',
  'snapshot.mode.configuration.based.snapshot.schema': 'shapes of tables always come with the stream',
  'snapshot.mode.configuration.based.snapshot.on.schema.error': 'shapes of tables always come with the stream',
  'snapshot.isolation.mode': 'the copy always is one snapshot',
  'snapshot.lock.timeout.ms': 'the copy takes no lock that anybody waits for',
  'streaming.delay.ms': FRAMEWORK,
  'max.queue.size': 'batches are bounded in bytes: max.batch.bytes',
  'max.queue.size.in.bytes': 'batches are bounded in bytes: max.batch.bytes',
  'max.batch.size': 'batches are bounded in bytes: max.batch.bytes',
  'poll.interval.ms': 'changes are pushed by the server',
  'retriable.restart.connector.wait.ms': 'pauses grow by themselves',
  'lsn.flush.*': 'a position is acknowledged when the log has it, and never earlier',
  'flush.lsn.source': 'a position is acknowledged when the log has it, and never earlier',
  'offset.mismatch.strategy': 'a gap always stops the connector',
  'exactly.once.support': 'the replica is exactly once without it',
  'transaction.boundary*': 'boundaries are the ones of the source',
  'include.schema.changes': 'schema changes always have their topic',
  'include.unknown.datatypes': 'every type is carried',
  'extended.headers.enabled': FRAMEWORK,
  'sourceinfo.struct.maker': 'it names a Java class',
  'schema.refresh.mode': 'schemas come with the stream',
  'database.query.timeout.ms': FRAMEWORK,
  'connection.validation.timeout.ms': FRAMEWORK,
  'executor.shutdown.timeout.ms': FRAMEWORK,
  'statistics.metrics.enabled': FRAMEWORK,
  'custom.metric.tags': FRAMEWORK,
  'openlineage.*': FRAMEWORK,
  'xmin.fetch.interval.ms': 'xmin is not needed',
  'read.only': 'nothing is written to the source but the publication',
  'signal.kafka.*': 'signals are read from the Kafka of the daemon, and how far stands in the checkpoints',
  'signal.consumer.*': CLIENTS,
  'incremental.snapshot.watermarking.strategy': 'copies while streaming write no watermarks to the source',
  'incremental.snapshot.allow.schema.changes': 'a table that is altered while it is copied is copied again',
  'notification.*': 'there are no notifications yet',
  'publish.via.partition.root': 'a partitioned table is always captured as one table',
  'topic.heartbeat.prefix': 'there is no heartbeat topic: an idle source moves its slot by itself',
  'topic.heartbeat.name': 'there is no heartbeat topic: an idle source moves its slot by itself',
  'topic.transaction': 'there is no transaction topic: checkpoints mark transactions',
  'topic.cache.size': FRAMEWORK,
  'column.propagate.source.type': 'schemas always say the types of their columns',
  'datatype.propagate.source.type': 'schemas always say the types of their columns',
  'snapshot.tables.order.by.row.count': 'tables are copied in the order of their names',
  'guardrail.*': FRAMEWORK,
  'queue.*': FRAMEWORK,
  'custom.sanitize.pattern': FRAMEWORK,
  'legacy.*': FRAMEWORK,
  'internal.*': FRAMEWORK,
  'offsets.storage.topic': 'checkpoints stand in a topic of their own, <topic.prefix>.checkpoints',
};

/** Keys of Debezium's Postgres connector whose effect would be missed: masked values in clear, other rows, other topics. */
export const UNSUPPORTED_BY_SOURCES: Readonly<Record<string, string>> = {
  ...UNSUPPORTED_BY_ALL,
  'column.mask.*': 'values cannot be masked yet, and would travel in clear',
  'column.truncate.*': 'values cannot be truncated yet',
  'message.key.columns': 'keys are those of the tables',
  'heartbeat.action.query': 'an idle source moves its slot by itself; leave this out',
  'replica.identity.autoset.values': 'set the replica identity with ALTER TABLE',
  'topic.naming.strategy': 'it names a Java class',
  'topic.delimiter': 'topic names are joined by dots',
  'converters*': 'they name Java classes',
  'post.processors*': 'they name Java classes',
  'slot.drop.on.stop': 'whatever changes while the connector is stopped would be lost; drop the slot by hand',
  'snapshot.mode.custom*': 'it names a Java class; say which of the other modes is meant in snapshot.mode',
  'skip.messages.without.change': 'every change is sent',
  'event.processing.failure.handling.mode': 'what cannot be processed stops the connector; say fail',
  'message.prefix.*': 'logical messages are not sent',
  'database.initial.statements': 'the settings of a session are part of how values are read',
  'database.sslpassword': 'the file of database.sslkey must hold a key without password',
  'database.connection.*': 'it names a Java class',
  'transaction.metadata.factory': 'it names a Java class',
  'topic.creation.*': 'there is one group of topics: topic.creation.default',
  'errors.tolerance': 'a record that cannot be processed stops the connector',
  'slot.failover': 'there are no failover slots yet',
};

/** Keys of Debezium's JDBC sink and of Connect that change nothing for a Postgres sink. */
export const IGNORED_BY_SINKS: Readonly<Record<string, string>> = {
  ...IGNORED_BY_ALL,
  'connection.pool.*': 'one connection writes',
  'connection.restart.on.errors': 'a lost connection is always opened again',
  'quote.identifiers': 'identifiers are always quoted',
  'batch.size': 'what is there is applied at once, whole transactions',
  'use.reduction.buffer': 'changes of one row are always joined where that is safe',
  'dialect.*': 'the fastest safe way is always taken',
  'flush.*': 'passing failures are retried for ever, with growing pauses',
  'use.time.zone': 'times are written as they were',
  'database.time_zone': 'times are written as they were',
};

/** Keys of Debezium's JDBC sink whose effect would be missed. */
export const UNSUPPORTED_BY_SINKS: Readonly<Record<string, string>> = {
  ...UNSUPPORTED_BY_ALL,
  'transforms*': 'there are no transforms of sinks yet',
  'primary.key.fields': 'keys are those of the source tables',
  'field.*': 'leave columns out at the source, with column.exclude.list',
  'column.naming.strategy': 'it names a Java class',
  'collection.naming.strategy': 'it names a Java class',
  'errors.tolerance': 'there is no dead-letter topic yet: a record that cannot be applied stops the connector',
  'errors.deadletterqueue.*': 'there is no dead-letter topic yet: a record that cannot be applied stops the connector',
};
