import type { Operation } from './operation.ts';

const NAME = '/connectors/{name}';
const NOT_FOUND = 'There is no such connector.';
const INVALID = 'The config is not valid: all that is wrong with it.';
const READ_ONLY = 'rest.connectors=read-only, or the file cannot be written here: what to change instead.';
const INFO = { description: 'The connector.', schema: 'ConnectorInfo' } as const;

/** Kafka Connect's REST API. @see https://kafka.apache.org/documentation/#connect_rest */
export const CONNECT_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/',
    summary: 'Version and cluster',
    answers: { 200: { description: 'This daemon.', schema: 'Server' } },
  },
  {
    method: 'get',
    path: '/connectors',
    summary: 'All connectors',
    query: { expand: 'info, status, or both (given twice): answers an object by name instead of names.' },
    answers: { 200: { description: 'Names, or what was asked for by name.', schema: 'Any' } },
  },
  {
    method: 'post',
    path: '/connectors',
    summary: 'Create a connector',
    body: 'CreateConnector',
    answers: { 201: INFO, 400: INVALID, 403: READ_ONLY, 409: 'It exists already.' },
  },
  onOne({ method: 'get', path: '', summary: 'One connector', answers: { 200: INFO } }),
  onOne({
    method: 'delete',
    path: '',
    summary: 'Delete a connector: its file; slot, topics and replica stay',
    answers: { 204: 'It is deleted, and does not run any more.', 403: READ_ONLY },
  }),
  onOne({
    method: 'get',
    path: '/config',
    summary: 'Its config, secrets masked',
    answers: { 200: { description: 'The config.', schema: 'Config' } },
  }),
  {
    method: 'put',
    path: `${NAME}/config`,
    summary: 'Create it, or give it this config; a masked secret that is sent back stays as it is',
    body: 'Config',
    answers: { 200: INFO, 201: INFO, 400: INVALID, 403: READ_ONLY },
  },
  onOne({
    method: 'patch',
    path: '/config',
    summary: 'Change single settings; null removes one',
    body: 'Config',
    answers: { 200: INFO, 400: INVALID, 403: READ_ONLY },
  }),
  onOne({
    method: 'get',
    path: '/status',
    summary: 'What it is doing',
    answers: {
      200: { description: 'State of the connector and of its task.', schema: 'ConnectorState' },
    },
  }),
  onOne({
    method: 'put',
    path: '/pause',
    summary: 'Pause it, also over restarts of the daemon',
    answers: { 202: 'It pauses.' },
  }),
  onOne({ method: 'put', path: '/resume', summary: 'Let it go on', answers: { 202: 'It goes on.' } }),
  onOne({
    method: 'put',
    path: '/stop',
    summary: 'Stop it, also over restarts of the daemon',
    answers: { 204: 'It is stopped.' },
  }),
  onOne({
    method: 'post',
    path: '/restart',
    summary: 'Start it anew',
    query: { includeTasks: 'true: answers with states.', onlyFailed: 'true: only if it has failed.' },
    answers: {
      202: { description: 'What is restarted.', schema: 'ConnectorState' },
      204: 'It is restarted.',
      500: 'It cannot be started: why.',
    },
  }),
  onOne({
    method: 'get',
    path: '/tasks',
    summary: 'Its task',
    answers: { 200: { description: 'One task, or none while it is stopped.', schema: 'Tasks' } },
  }),
  onOne({
    method: 'get',
    path: '/tasks-config',
    summary: 'The configs of its tasks',
    answers: { 200: { description: 'By task.', schema: 'ConfigsByTask' } },
  }),
  {
    method: 'get',
    path: `${NAME}/tasks/{task}/status`,
    summary: 'What a task is doing',
    answers: { 200: { description: 'Its state.', schema: 'TaskState' }, 404: 'There is no such task.' },
  },
  {
    method: 'post',
    path: `${NAME}/tasks/{task}/restart`,
    summary: 'Start a task anew',
    answers: { 204: 'It is restarted.', 404: 'There is no such task.' },
  },
  onOne({
    method: 'get',
    path: '/offsets',
    summary: 'Where it stands',
    answers: {
      200: { description: 'Its checkpoint.', schema: 'Offsets' },
      503: 'Its server does not tell.',
    },
  }),
  onOne({
    method: 'patch',
    path: '/offsets',
    summary: 'Begin again (offsets of null); other places than the present one are refused',
    body: 'Offsets',
    answers: {
      200: { description: 'Done.', schema: 'Message' },
      400: 'It is not stopped, or this cannot be done: what can.',
    },
  }),
  onOne({
    method: 'delete',
    path: '/offsets',
    summary: 'Begin again: a source copies, a sink replays the log',
    answers: { 200: { description: 'Done.', schema: 'Message' }, 400: 'It is not stopped.' },
  }),
  {
    method: 'get',
    path: `${NAME}/topics`,
    summary: 'The topics that it writes or reads',
    answers: { 200: { description: 'Empty for a name that nobody knows.', schema: 'Topics' } },
  },
  {
    method: 'put',
    path: `${NAME}/topics/reset`,
    summary: 'Changes nothing: topics are not tracked, but looked up',
    answers: { 202: 'Taken.' },
  },
  {
    method: 'get',
    path: '/connector-plugins',
    summary: 'Classes of connectors, with their aliases',
    query: { connectorsOnly: 'false: converters and transforms too.' },
    answers: { 200: { description: 'The classes.', schema: 'Plugins' } },
  },
  {
    method: 'get',
    path: '/connector-plugins/{plugin}/config',
    summary: 'The settings of a class',
    answers: { 200: { description: 'The settings.', schema: 'ConfigKeys' }, 404: 'There is no such class.' },
  },
  {
    method: 'put',
    path: '/connector-plugins/{plugin}/config/validate',
    summary: 'What is wrong with a config; references in it are not resolved, files not looked at',
    body: 'Config',
    answers: {
      200: { description: 'Right or wrong: each setting with its errors.', schema: 'ConfigInfos' },
      400: 'It names no class, or another one.',
    },
  },
  {
    method: 'get',
    path: '/admin/loggers',
    summary: 'Levels of the log',
    answers: { 200: { description: 'By logger.', schema: 'Loggers' } },
  },
  {
    method: 'get',
    path: '/admin/loggers/{logger}',
    summary: 'The level of root, or of connector.<name>',
    answers: { 200: { description: 'Its level.', schema: 'Logger' }, 404: 'There is no such logger.' },
  },
  {
    method: 'put',
    path: '/admin/loggers/{logger}',
    summary: 'Set a level until the process ends',
    query: { scope: 'worker, or cluster: both are this daemon.' },
    body: 'Level',
    answers: {
      200: { description: 'The loggers that it changed.', schema: 'Texts' },
      204: 'Done (scope=cluster).',
      400: 'No level.',
      404: 'No such logger or level.',
    },
  },
];

/** What is asked of one connector; `path` is what follows its name. */
function onOne(operation: Operation): Operation {
  const { path, answers } = operation;
  return { ...operation, path: `${NAME}${path}`, answers: { ...answers, 404: NOT_FOUND } };
}
