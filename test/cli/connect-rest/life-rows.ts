import { expect } from 'vitest';
import type { Expectation, Scene } from './expectation.ts';
import { DEBEZIUM, NOTHING, notFound, row, sent, text, until } from './rows.ts';

const SOURCE = '/connectors/shop-source';
const SINK = '/connectors/shop-sink';
const NOT_STOPPED =
  /^Connectors must be in the STOPPED state before their offsets can be modified\. This can be done for the specified connector by issuing a 'PUT' request to the '\/connectors\/[\w-]+\/stop' endpoint$/;
const running = { state: 'RUNNING', worker_id: text, version: text };
const task = { connector: 'shop-source', task: 0 };

/** Two connectors are created and looked at. */
export const CREATED: readonly Expectation[] = [
  row(
    'POST /connectors',
    201,
    {
      name: 'shop-source',
      config: { name: 'shop-source', 'database.password': '********' },
      tasks: expect.any(Array) as unknown[],
      type: 'source',
    },
    {
      about: 'with blanks around its name',
      body: ({ source }: Scene) => ({ name: ' shop-source ', config: source }),
      location: SOURCE,
    },
  ),
  sent(
    'POST /connectors',
    ({ source }: Scene) => ({ name: 'shop-source', config: source }),
    409,
    /^Connector shop-source already exists$/,
    'again',
  ),
  sent(
    'POST /connectors',
    ({ source }: Scene) => ({ name: 'twin', config: source }),
    400,
    /topic.prefix .* is already the one of/,
    'with what only one can have',
  ),
  row(
    `PUT ${SINK}/config`,
    201,
    { name: 'shop-sink', type: 'sink' },
    {
      about: 'without a type of body',
      headers: { 'content-type': '' },
      body: ({ sink }: Scene) => sink,
      location: SINK,
    },
  ),
  until('shop-source', 'RUNNING'),
  until('shop-sink', 'RUNNING'),
  row('GET /connectors', 200, ['broken', 'shop-sink', 'shop-source']),
  row(`GET ${SOURCE}`, 200, { name: 'shop-source', tasks: [task], type: 'source' }),
  row(`GET ${SOURCE}/`, 200, { name: 'shop-source' }),
  row(`GET ${SOURCE}/config`, 200, {
    name: 'shop-source',
    'connector.class': DEBEZIUM,
    'database.password': '********',
  }),
  row(`GET ${SOURCE}/status`, 200, {
    name: 'shop-source',
    connector: running,
    tasks: [{ id: 0, ...running }],
    type: 'source',
  }),
  row(`GET ${SOURCE}/tasks`, 200, [{ id: task, config: { 'task.class': DEBEZIUM } }]),
  row(`GET ${SOURCE}/tasks-config`, 200, { 'shop-source-0': { 'task.class': DEBEZIUM } }),
  row(`GET ${SOURCE}/tasks/0/status`, 200, { id: 0, ...running }),
  row(`GET ${SOURCE}/tasks/1/status`, 404, /^No status found for task shop-source-1$/),
  row('GET /connectors?expand=status&expand=info', 200, {
    'shop-sink': { info: { type: 'sink' }, status: { connector: running } },
  }),
  row(
    `GET ${SOURCE}/topics`,
    200,
    { 'shop-source': { topics: expect.arrayContaining(['rest.checkpoints', 'rest.public.item']) as string[] } },
    { eventually: true },
  ),
  row(`GET ${SINK}/topics`, 200, { 'shop-sink': { topics: expect.arrayContaining(['rest.public.item']) as string[] } }),
  row(
    `GET ${SOURCE}/offsets`,
    200,
    { offsets: [{ partition: { server: 'rest' }, offset: { lsn: expect.any(Number) as number } }] },
    { eventually: true },
  ),
  row(`DELETE ${SOURCE}/offsets`, 400, NOT_STOPPED),
  sent(`PATCH ${SOURCE}/offsets`, {}, 400, /^Partitions \/ offsets need to be provided for an alter offsets request$/),
  sent(`PATCH ${SOURCE}/offsets`, { offsets: [{}] }, 400, NOT_STOPPED),
];

/** They are changed, restarted and paused. */
export const CHANGED: readonly Expectation[] = [
  sent(
    `PUT ${SOURCE}/config`,
    ({ source }: Scene) => ({ ...source, name: 'shop-source', 'database.password': '********' }),
    200,
    { name: 'shop-source' },
    'as it was shown',
  ),
  sent(
    `PATCH ${SOURCE}/config`,
    { 'status.update.interval.ms': 5000 },
    200,
    { config: { 'status.update.interval.ms': '5000', 'database.password': '********' } },
    'one setting',
  ),
  sent(
    `PATCH ${SOURCE}/config`,
    { 'status.update.interval.ms': null },
    200,
    { name: 'shop-source' },
    'one setting away',
  ),
  sent(
    `PATCH ${SOURCE}/config`,
    { 'database.port': 'x' },
    400,
    /1 error\(s\):\ndatabase.port must be a whole number/,
    'a wrong setting',
  ),
  sent(
    `PATCH ${SOURCE}/config`,
    { 'database.user': '********' },
    400,
    /^database.user contains/,
    'a mask where nothing was masked',
  ),
  sent(`PATCH ${SOURCE}/config`, { 'connector.class': null }, 400, /contains no connector type$/, 'the class away'),
  until('shop-source', 'RUNNING'),
  row(`POST ${SOURCE}/restart`, 204, NOTHING),
  row(`POST ${SOURCE}/restart?includeTasks=True&onlyFailed=False`, 202, {
    name: 'shop-source',
    connector: { state: 'RESTARTING' },
    tasks: [{ id: 0, state: 'RESTARTING' }],
  }),
  until('shop-source', 'RUNNING'),
  row(
    `POST ${SOURCE}/restart?includeTasks=true&onlyFailed=true`,
    202,
    { connector: { state: 'RUNNING' }, tasks: [{ state: 'RUNNING' }] },
    { about: 'when nothing has failed' },
  ),
  row(`POST ${SOURCE}/restart?includeTasks=perhaps`, 204, NOTHING),
  row(`POST ${SOURCE}/tasks/0/restart`, 204, NOTHING),
  row(`POST ${SOURCE}/tasks/7/restart`, 404, /^Unknown task: shop-source-7$/),
  row(`POST ${SOURCE}/tasks/x/restart`, 404, /^HTTP 404 Not Found$/),
  row(`PUT ${SINK}/pause`, 202, NOTHING),
  until('shop-sink', 'PAUSED', { tasks: [{ id: 0, state: 'PAUSED' }] }),
  row(`PUT ${SINK}/pause`, 202, NOTHING, { about: 'again' }),
  row(`POST ${SINK}/restart`, 204, NOTHING, { about: 'while paused' }),
  row(`GET ${SINK}/status`, 200, { connector: { state: 'PAUSED' } }, { about: 'a restart does not resume' }),
  row(`DELETE ${SINK}/offsets`, 400, NOT_STOPPED, { about: 'while paused' }),
  row(`PUT ${SINK}/resume`, 202, NOTHING),
  until('shop-sink', 'RUNNING'),
  row(`PUT ${SINK}/resume`, 202, NOTHING, { about: 'again' }),
];

function altered(name: string, offset: unknown, status: number, answers: unknown, about: string = ''): Expectation {
  return sent(`PATCH /connectors/${name}/offsets`, { offsets: [offset] }, status, answers, about);
}

const SINK_PLACE = { kafka_topic: 'rest.checkpoints', kafka_partition: '0' };
const ALIEN = { kafka_topic: 't', kafka_partition: 0 };
const NO_OTHER =
  /^Failed to alter offsets for connector [\w-]+ because it doesn't support external modification of offsets: /;

/** Offsets of connectors that are stopped. */
export const OFFSETS: readonly Expectation[] = [
  row(`PUT ${SINK}/stop`, 204, NOTHING),
  row(`PUT ${SOURCE}/stop`, 204, NOTHING),
  row(`GET ${SOURCE}/status`, 200, { connector: { state: 'STOPPED' }, tasks: [] }),
  row(`GET ${SOURCE}/tasks`, 200, []),
  row(`POST ${SOURCE}/tasks/0/restart`, 404, /^Unknown task: shop-source-0$/, { about: 'of a stopped one' }),
  sent(`POST ${SOURCE}/snapshot`, {}, 409, /does not run/, 'of a stopped one'),
  altered('shop-sink', {}, 400, /^The partition for a sink connector offset cannot be null or missing$/),
  altered('shop-sink', 'x', 400, /^The partition for a sink connector offset cannot be null or missing$/),
  altered(
    'shop-sink',
    { partition: {}, offset: null },
    400,
    /^The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'$/,
  ),
  altered(
    'shop-sink',
    { partition: { ...ALIEN, kafka_partition: 'x' } },
    400,
    /Partition values for sink connectors need to be integers\.$/,
  ),
  altered(
    'shop-sink',
    { partition: ALIEN, offset: {} },
    400,
    /^The offset for a sink connector should either be null or contain the key 'kafka_offset'$/,
  ),
  altered(
    'shop-sink',
    { partition: ALIEN, offset: { kafka_offset: -1 } },
    400,
    /Offset values for sink connectors need to be integers\.$/,
  ),
  altered('shop-sink', { partition: ALIEN, offset: null }, 400, /no such partition: there is .*rest\.checkpoints/),
  altered('shop-sink', { partition: SINK_PLACE, offset: { kafka_offset: 1 } }, 400, NO_OTHER, 'to another place'),
  altered('shop-source', { partition: { server: 'rest' }, offset: { lsn: 1 } }, 400, NO_OTHER, 'to another place'),
  altered(
    'shop-source',
    { partition: { server: 'rest' }, offset: 'x' },
    400,
    /^The offset must be an object, or null$/,
  ),
  altered(
    'shop-source',
    { partition: [] },
    400,
    /^The partition for a source connector offset cannot be null or missing$/,
  ),
  altered('shop-sink', { partition: SINK_PLACE, offset: null }, 200, {
    message: 'The offsets for this connector have been altered successfully',
  }),
  row(`DELETE ${SINK}/offsets`, 200, { message: 'The offsets for this connector have been reset successfully' }),
  row(`DELETE ${SOURCE}/offsets`, 200, { message: 'The offsets for this connector have been reset successfully' }),
  row(`PUT ${SOURCE}/resume`, 202, NOTHING),
  until('shop-source', 'RUNNING'),
  row(`PUT ${SOURCE}/pause`, 202, NOTHING),
  sent(
    'POST /connectors',
    ({ sink }: Scene) => ({ name: 'later', config: { ...sink, ...JDBC, bogus: 1 }, initial_state: 'stopped' }),
    201,
    {
      config: { 'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector', bogus: '********' },
      rowcast: { warnings: [expect.stringContaining('bogus')] },
    },
    'by its short class name, and stopped',
  ),
  row('GET /connectors/later/status', 200, { connector: { state: 'STOPPED' }, tasks: [] }),
];

const JDBC = {
  'connector.class': 'JdbcSink',
  'insert.mode': 'upsert',
  'primary.key.mode': 'record_key',
  'delete.enabled': 'true',
  'truncate.enabled': 'true',
  'collection.name.format': '${source.schema}.${source.table}',
};

/** After the daemon was started again, while `shop-sink` and `later` were stopped and `shop-source` was paused. */
export const AFTER_RESTART: readonly Expectation[] = [
  row('GET /connectors', 200, ['broken', 'later', 'shop-sink', 'shop-source']),
  row(`GET ${SOURCE}/status`, 200, { connector: { state: 'PAUSED' }, tasks: [{ state: 'PAUSED' }] }),
  row(`GET ${SINK}/status`, 200, { connector: { state: 'STOPPED' }, tasks: [] }),
  row(`GET ${SOURCE}/offsets`, 200, { offsets: [{ partition: { server: 'rest' } }] }),
  row(`PUT ${SINK}/resume`, 202, NOTHING),
  row(`PUT ${SOURCE}/resume`, 202, NOTHING),
  until('shop-sink', 'RUNNING'),
  until('shop-source', 'RUNNING'),
  row('DELETE /connectors/later', 204, NOTHING),
  row('DELETE /connectors/broken', 204, NOTHING),
  row(`DELETE ${SINK}/`, 204, NOTHING),
  row(`DELETE ${SOURCE}`, 204, NOTHING),
  row(`DELETE ${SOURCE}`, 404, notFound('shop-source')),
  row(`GET ${SOURCE}`, 404, notFound('shop-source')),
  row('GET /connectors', 200, []),
];
