import type { Operation } from './operation.ts';

const VERSION = '/subjects/{subject}/versions/{version}';
const DELETED = { deleted: 'true: those that were deleted softly too.' } as const;
const ANY = { description: 'As the registry of Confluent answers.', schema: 'Any' } as const;
const MISSING = 'There is none.';
const FOUND = { 200: ANY, 404: MISSING } as const;

function get(path: string, summary: string, query?: Operation['query']): Operation {
  return { method: 'get', path, summary, ...(query && { query }), answers: FOUND };
}

function setting(method: 'put' | 'delete', path: string, summary: string): Operation {
  return {
    method,
    path,
    summary,
    ...(method === 'put' && { body: path.startsWith('/config') ? 'Compatibility' : 'Any' }),
    answers: { 200: ANY, 422: 'It is not possible.' },
  };
}

/** The built-in schema registry; not there when an external one is used. @see https://docs.confluent.io/platform/current/schema-registry/develop/api.html */
export const REGISTRY_OPERATIONS: readonly Operation[] = [
  get('/subjects', 'All subjects', DELETED),
  get('/subjects/{subject}/versions', 'The versions of a subject', DELETED),
  get(VERSION, 'One version; latest is the last one'),
  get(`${VERSION}/schema`, 'Its schema alone'),
  get(`${VERSION}/referencedby`, 'What refers to it: nothing'),
  {
    method: 'post',
    path: '/subjects/{subject}/versions',
    summary: 'Register a schema',
    body: 'Schema',
    answers: { 200: ANY, 409: 'It is not compatible.', 422: 'It is not valid.' },
  },
  { method: 'post', path: '/subjects/{subject}', summary: 'Look a schema up', body: 'Schema', answers: FOUND },
  {
    method: 'delete',
    path: '/subjects/{subject}',
    summary: 'Delete a subject',
    query: { permanent: 'true: for good.' },
    answers: FOUND,
  },
  {
    method: 'delete',
    path: VERSION,
    summary: 'Delete a version',
    query: { permanent: 'true: for good.' },
    answers: FOUND,
  },
  get('/schemas', 'All schemas'),
  get('/schemas/types', 'What kinds of schemas there are: AVRO'),
  get('/schemas/ids/{id}', 'The schema of an id'),
  get('/schemas/ids/{id}/schema', 'The schema of an id, alone'),
  get('/schemas/ids/{id}/subjects', 'The subjects that have it'),
  get('/schemas/ids/{id}/versions', 'The versions that have it'),
  {
    method: 'post',
    path: `/compatibility${VERSION}`,
    summary: 'Compare a schema with a version',
    body: 'Schema',
    answers: FOUND,
  },
  {
    method: 'post',
    path: '/compatibility/subjects/{subject}/versions',
    summary: 'Compare a schema with all that count',
    body: 'Schema',
    answers: FOUND,
  },
  get('/config', 'The level of compatibility'),
  setting('put', '/config', 'Set it'),
  setting('delete', '/config', 'Back to BACKWARD'),
  get('/config/{subject}', 'The level of a subject'),
  setting('put', '/config/{subject}', 'Set it'),
  setting('delete', '/config/{subject}', 'Back to the level of all'),
  get('/mode', 'READWRITE'),
  setting('put', '/mode', 'Only READWRITE is possible'),
  get('/mode/{subject}', 'READWRITE'),
  setting('put', '/mode/{subject}', 'Only READWRITE is possible'),
  setting('delete', '/mode/{subject}', 'Changes nothing'),
  get('/contexts', 'The one context'),
];
