import type { Operation } from './operation.ts';

const SNAPSHOT = '/connectors/{name}/snapshot';
const TAKEN = { description: 'The request stands in the log.', schema: 'SignalTaken' } as const;
const ASKED = { 202: TAKEN, 404: 'There is no such connector.', 409: 'It cannot be done now: why.' } as const;

/** What Rowcast serves besides the APIs of others. */
export const OWN_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/health',
    summary: 'Whether everything makes progress',
    answers: {
      200: { description: 'It does.', schema: 'Health' },
      503: { description: 'Something stands: which connector, and where.', schema: 'Health' },
    },
  },
  {
    method: 'get',
    path: '/ready',
    summary: 'Whether all connectors were started',
    answers: {
      200: { description: 'They were.', schema: 'Health' },
      503: { description: 'Not yet.', schema: 'Health' },
    },
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Metrics for Prometheus',
    answers: { 200: 'Text in the format of Prometheus.' },
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This description',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: 'Any' } },
  },
  { method: 'post', path: SNAPSHOT, summary: 'Copy tables again', body: 'SnapshotSignal', answers: ASKED },
  { method: 'delete', path: SNAPSHOT, summary: 'Give a copy up', answers: ASKED },
  { method: 'put', path: `${SNAPSHOT}/pause`, summary: 'Pause copies', answers: ASKED },
  { method: 'put', path: `${SNAPSHOT}/resume`, summary: 'Let copies go on', answers: ASKED },
  { method: 'put', path: '/connectors/{name}/sequences/sync', summary: 'Bring sequences along', answers: ASKED },
  {
    method: 'get',
    path: '/rowcast/v1/topics/{topic}/records',
    summary: 'The next records of a topic, as rows',
    query: {
      from: 'start (when absent), end, or partition:offset, several by commas: where `next` of the last answer goes on.',
      limit: 'At most so many records (100; up to 1,000).',
      wait: 'Milliseconds to wait for the first one (0; up to 30,000).',
    },
    answers: {
      200: { description: 'Records, and where to go on.', schema: 'Any' },
      403: 'Nobody is asked for credentials here, and header X-Rowcast-Key is not the key of daemon.json.',
      409: 'There is no such topic.',
    },
  },
  {
    method: 'post',
    path: '/rowcast/v1/operate',
    summary: 'What the commands of `rowcast` ask a daemon that runs',
    body: 'OperatorRequest',
    answers: {
      200: { description: 'What was done.', schema: 'OperatorAnswer' },
      409: 'It cannot be done: why, and what to do.',
    },
  },
];
