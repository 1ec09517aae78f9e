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
