import { expect } from 'vitest';
import type { Expectation } from './expectation.ts';
import { DEBEZIUM, NOTHING, notFound, row, sent, text } from './rows.ts';

/** Names that nobody knows, before there is any connector but one of a file that is not valid. */
export const UNKNOWN: readonly Expectation[] = [
  row('GET /connectors', 200, ['broken'], { eventually: true }),
  row('GET /connectors/', 200, ['broken']),
  row('GET /', 200, { version: '4.1.0', commit: text, kafka_cluster_id: text }),
  row('GET /connectors?expand=bogus', 200, { broken: {} }),
  row('GET /connectors/nope', 404, notFound('nope')),
  row('GET /connectors/nope/', 404, notFound('nope')),
  row('GET /connectors/nope/config', 404, notFound('nope')),
  row('GET /connectors/nope/status', 404, /^No status found for connector nope$/),
  row('GET /connectors/nope/tasks', 404, notFound('nope')),
  row('GET /connectors/nope/tasks-config', 404, notFound('nope')),
  row('GET /connectors/nope/tasks/0/status', 404, /^No status found for task nope-0$/),
  row('GET /connectors/nope/offsets', 404, notFound('nope')),
  row('GET /connectors/nope/topics', 200, { nope: { topics: [] } }),
  row('PUT /connectors/nope/topics/reset', 202, NOTHING),
  row('PUT /connectors/nope/pause', 404, /^Unknown connector nope$/),
  row('PUT /connectors/nope/resume', 404, /^Unknown connector nope$/),
  row('PUT /connectors/nope/stop', 404, /^Unknown connector nope$/),
  row('POST /connectors/nope/restart', 404, /^Unknown connector: nope$/),
  row('POST /connectors/nope/restart?includeTasks=true', 404, /^Unknown connector: nope$/),
  row('POST /connectors/nope/tasks/0/restart', 404, /^Unknown connector: nope$/),
  row('DELETE /connectors/nope', 404, notFound('nope')),
  row('DELETE /connectors/nope/offsets', 404, notFound('nope')),
  sent('PATCH /connectors/nope/offsets', { offsets: [] }, 404, notFound('nope')),
  sent('PATCH /connectors/nope/config', {}, 404, notFound('nope')),
  row('GET /connectors/broken/status', 200, {
    connector: { state: 'FAILED', trace: text },
    tasks: [],
    type: 'unknown',
  }),
  row('POST /connectors/broken/restart', 500, /^Failed to start connector: broken: .*connector.class/),
  row('GET /connectors/broken/offsets', 200, { offsets: [] }),
  row('DELETE /connectors/broken/offsets', 400, /^Connectors must be in the STOPPED state/),
];

const SLOT = { name: 'slot.name', type: 'STRING', required: false, default_value: 'debezium', dependents: [] };
const ROUTER = { class: 'io.debezium.transforms.outbox.EventRouter', type: 'transformation', version: text };
const VALIDATE = 'PUT /connector-plugins/Postgres/config/validate';

/** Plugins and loggers. */
export const AROUND: readonly Expectation[] = [
  row('GET /connector-plugins', 200, expect.arrayContaining([{ class: DEBEZIUM, type: 'source', version: text }])),
  row('GET /connector-plugins?connectorsOnly=False', 200, expect.arrayContaining([ROUTER])),
  ...[DEBEZIUM, 'PostgresConnector', 'Postgres'].map((plugin) =>
    row(`GET /connector-plugins/${plugin}/config`, 200, expect.arrayContaining([expect.objectContaining(SLOT)])),
  ),
  row('GET /connector-plugins/EventRouter/config', 200, []),
  row('GET /connector-plugins/Nope/config', 404, /^Unknown plugin Nope\.$/),
  sent(VALIDATE, { 'connector.class': DEBEZIUM, 'database.hostnme': 'h' }, 200, {
    name: DEBEZIUM,
    error_count: expect.any(Number) as number,
    groups: expect.arrayContaining(['Connection', 'Unknown']) as string[],
    rowcast: { warnings: ['database.hostnme is not a known setting; did you mean database.hostname?'] },
  }),
  sent(VALIDATE, { name: 'x' }, 400, /^Connector config \{name=x\} contains no connector type$/),
  sent(
    VALIDATE,
    { 'connector.class': 'PostgresSink' },
    400,
    /^Included connector type PostgresSink does not match request type Postgres$/,
  ),
  sent(VALIDATE, { 'connector.class': 'Bogus' }, 400, /^Failed to find any class that implements Connector/),
  row('GET /admin/loggers', 200, { root: { level: 'INFO', last_modified: null } }),
  row('GET /admin/loggers/root', 200, { level: 'INFO', last_modified: null }),
  row('GET /admin/loggers/nope', 404, /^Logger nope not found\.$/),
  sent('PUT /admin/loggers/root', {}, 400, /^Desired 'level' parameter was not specified in request\.$/),
  sent('PUT /admin/loggers/root', { level: 'LOUD' }, 404, /^invalid log level 'LOUD'\.$/),
  sent('PUT /admin/loggers/root', { level: {} }, 404, /^invalid log level/),
  sent('PUT /admin/loggers/nope', { level: 'INFO' }, 404, /^Logger nope not found\.$/),
  sent('PUT /admin/loggers/root', { level: 'debug' }, 200, ['root']),
  row('GET /admin/loggers/root', 200, { level: 'DEBUG', last_modified: expect.any(Number) as number }),
  sent('PUT /admin/loggers/connector.broken?scope=cluster', { level: 'WARN' }, 204, NOTHING),
  sent('PUT /admin/loggers/root?scope=worker', { level: 'INFO' }, 200, ['connector.broken', 'root']),
  row('GET /openapi.json', 200, { openapi: '3.1.0', paths: expect.any(Object) as object }),
];
