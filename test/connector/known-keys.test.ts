import { expect, test } from 'vitest';
import type { AnyDeclaration } from '../../src/connector/connector-class.ts';
import { judgeOtherKeys } from '../../src/connector/parse-config.ts';
import { POSTGRES_SINK } from '../../src/connector/postgres-sink.ts';
import { POSTGRES_WAL_SOURCE } from '../../src/connector/postgres-wal-source.ts';
import { WORKER_SETTINGS } from '../../src/worker/worker-settings.ts';

/** Keys that files of other products have: each must be a setting, or be told of with a reason, and never be unknown. */
const CONNECT = `name connector.class tasks.max tasks.max.enforce key.converter value.converter header.converter config.action.reload
  transforms transforms.unwrap.type predicates errors.tolerance errors.retry.timeout errors.retry.delay.max.ms errors.log.enable
  errors.log.include.messages producer.override.linger.ms consumer.override.x admin.override.x key.converter.schemas.enable
  value.converter.schemas.enable value.converter.schema.registry.url key.converter.schema.registry.url
  value.converter.basic.auth.user.info key.converter.basic.auth.credentials.source value.converter.auto.register.schemas
  value.converter.schema.registry.ssl.truststore.location key.converter.schema.registry.ssl.truststore.password`;

const SOURCE = `${CONNECT} topic.prefix database.hostname database.port database.user database.password database.dbname database.sslmode
  database.sslcert database.sslkey database.sslpassword database.sslrootcert database.sslfactory database.tcpKeepAlive plugin.name
  slot.name slot.drop.on.stop slot.failover slot.max.retries slot.retry.delay.ms slot.stream.params publication.name
  publication.autocreate.mode publish.via.partition.root schema.include.list schema.exclude.list table.include.list
  table.exclude.list column.include.list column.exclude.list snapshot.mode snapshot.fetch.size snapshot.max.threads
  snapshot.max.threads.multiplier legacy.snapshot.max.threads snapshot.include.collection.list
  snapshot.select.statement.overrides snapshot.select.statement.overrides.public.a snapshot.isolation.mode snapshot.locking.mode
  snapshot.lock.timeout.ms decimal.handling.mode time.precision.mode binary.handling.mode hstore.handling.mode
  interval.handling.mode money.fraction.digits include.unknown.datatypes unavailable.value.placeholder tombstones.on.delete
  skipped.operations message.key.columns heartbeat.interval.ms heartbeat.action.query status.update.interval.ms lsn.flush.mode
  lsn.flush.timeout.ms lsn.flush.timeout.action flush.lsn.source offset.mismatch.strategy provide.transaction.metadata
  signal.data.collection signal.enabled.channels signal.poll.interval.ms incremental.snapshot.chunk.size
  incremental.snapshot.watermarking.strategy incremental.snapshot.allow.schema.changes read.only notification.enabled.channels
  notification.sink.topic.name topic.delimiter topic.transaction topic.heartbeat.prefix topic.heartbeat.name topic.cache.size
  topic.naming.strategy schema.name.adjustment.mode field.name.adjustment.mode max.queue.size max.batch.size
  max.queue.size.in.bytes poll.interval.ms errors.max.retries retriable.restart.connector.wait.ms
  event.processing.failure.handling.mode replica.identity.autoset.values column.mask.hash.SHA-256.with.salt.x
  column.mask.with.3.chars column.truncate.to.3.chars column.propagate.source.type datatype.propagate.source.type
  skip.messages.without.change message.prefix.include.list message.prefix.exclude.list schema.refresh.mode xmin.fetch.interval.ms
  snapshot.delay.ms streaming.delay.ms snapshot.tables.order.by.row.count signal.kafka.topic signal.kafka.bootstrap.servers
  signal.consumer.x signal.file extended.headers.enabled database.initial.statements database.query.timeout.ms
  guardrail.collections.max guardrail.collections.limit.action connection.validation.timeout.ms executor.shutdown.timeout.ms
  snapshot.mode.configuration.based.snapshot.data statistics.metrics.enabled custom.metric.tags custom.sanitize.pattern
  post.processors converters sourceinfo.struct.maker transaction.metadata.factory snapshot.mode.custom.name
  database.connection.factory.class openlineage.integration.enabled include.schema.changes topic.creation.groups
  topic.creation.default.partitions topic.creation.default.replication.factor topic.creation.default.cleanup.policy
  topic.creation.hot.include exactly.once.support transaction.boundary transaction.boundary.interval.ms offsets.storage.topic
  database.server.name queue.provider.type`;

const SINK = `${CONNECT} topics topics.regex connection.url connection.username connection.password connection.user
  connection.pool.min_size connection.pool.max_size connection.pool.timeout connection.restart.on.errors insert.mode
  primary.key.mode primary.key.fields delete.enabled truncate.enabled schema.evolution collection.name.format table.name.format
  quote.identifiers batch.size use.reduction.buffer dialect.postgres.unnest.insert.enabled dialect.postgres.postgis.schema
  field.include.list field.exclude.list flush.max.retries flush.retry.delay.ms use.time.zone database.time_zone
  column.naming.strategy collection.naming.strategy errors.deadletterqueue.topic.name
  errors.deadletterqueue.topic.replication.factor errors.deadletterqueue.context.headers.enable`;

const WORKER = `bootstrap.servers group.id listeners key.converter value.converter header.converter config.storage.topic
  config.storage.replication.factor offset.storage.topic offset.storage.partitions status.storage.topic offset.storage.file.filename
  offset.flush.interval.ms offset.flush.timeout.ms plugin.path plugin.discovery config.providers config.providers.file.class
  topic.tracking.enable exactly.once.source.support producer.acks consumer.x admin.x rest.advertised.host.name rest.port
  rest.extension.classes admin.listeners security.protocol sasl.mechanism sasl.jaas.config ssl.truststore.location
  ssl.truststore.password ssl.keystore.location ssl.keystore.password ssl.key.password ssl.protocol request.timeout.ms client.id
  task.shutdown.graceful.timeout.ms heartbeat.interval.ms session.timeout.ms rebalance.timeout.ms connect.protocol metric.reporters
  metrics.num.samples access.control.allow.origin response.http.headers.config value.converter.schema.registry.url
  connector.client.config.override.policy scheduled.rebalance.max.delay.ms inter.worker.key.ttl.ms retry.backoff.ms
  reconnect.backoff.max.ms metadata.max.age.ms connections.max.idle.ms topic.creation.enable`;

const CASES: readonly (readonly [string, AnyDeclaration, string])[] = [
  ["Debezium's Postgres connector", POSTGRES_WAL_SOURCE, SOURCE],
  ["Debezium's JDBC sink", POSTGRES_SINK, SINK],
  ["Kafka Connect's workers", WORKER_SETTINGS, WORKER],
];

test.each(CASES)('the keys of %s are known', (_, declaration, keys) => {
  const raw = Object.fromEntries(keys.split(/\s+/).map((key) => [key, 'x']));
  const { warnings } = judgeOtherKeys(declaration, raw);
  expect(warnings.filter((warning) => warning.includes('not a known setting'))).toEqual([]);
});
