import { IGNORED_BY_ALL, UNSUPPORTED_BY_ALL } from './debezium-keys.ts';

const EXACT =
  'values are texts as the server prints them, and written as decimal.handling.mode and time.precision.mode say';
const BOUNDED = 'a poll reads whatever there is, in batches bounded in bytes: max.batch.bytes';
const RETRIED = 'passing failures are retried for ever, with growing pauses';
const BY_TRANSACTION = 'rows of tables are found by the transactions that wrote them, whatever their columns say';

/** Keys of Confluent's JDBC source and of Connect that change nothing for a query source. */
export const IGNORED_BY_QUERY_SOURCES: Readonly<Record<string, string>> = {
  ...IGNORED_BY_ALL,
  'numeric.mapping': EXACT,
  'numeric.precision.mapping': EXACT,
  'db.timezone': EXACT,
  'date.timezone': EXACT,
  'date.calendar.system': EXACT,
  'timestamp.granularity': EXACT,
  'timestamp.precision.mode': EXACT,
  'batch.max.rows': BOUNDED,
  'max.buffer.size': BOUNDED,
  'poll.linger.ms': 'what a poll finds is sent at once',
  'connection.attempts': RETRIED,
  'connection.backoff.ms': RETRIED,
  'query.retry.attempts': RETRIED,
  'incrementing.column.mapping': BY_TRANSACTION,
  'timestamp.columns.mapping': BY_TRANSACTION,
  'validate.non.null': BY_TRANSACTION,
  'table.poll.interval.ms': 'each poll looks which tables there are',
  'table.monitoring.startup.polling.limit.ms': 'each poll looks which tables there are',
  'table.types': 'views are polled when table.include.list names them',
  'catalog.pattern': 'a connection has one database',
  'transaction.isolation.mode': 'each poll is one snapshot of the database',
  'quote.sql.identifiers': 'identifiers are always quoted',
  'dialect.name': 'it is always Postgres',
  'trim.sensitive.log': 'values are never logged',
  'exactly.once.support': 'the replica is exactly once without it',
  'transaction.boundary*': 'each poll is one boundary',
  'offsets.storage.topic': 'checkpoints stand in a topic of their own, <topic.prefix>.checkpoints',
};

/** Keys of Confluent's JDBC source whose effect would be missed. */
export const UNSUPPORTED_BY_QUERY_SOURCES: Readonly<Record<string, string>> = {
  ...UNSUPPORTED_BY_ALL,
  'timestamp.initial': 'every row is copied at first; leave this out',
  'query.suffix': 'write it into query',
  'query.masked': 'say query; what is secret in it can be a reference',
  'topic.creation.*': 'there is one group of topics: topic.creation.default',
  'errors.tolerance': 'a record that cannot be processed stops the connector',
  'signal.*': 'copies are asked for over REST: POST /connectors/{name}/snapshot',
};
