import { CONNECT_OPERATIONS } from './connect-operations.ts';
import type { Operation, SchemaName } from './operation.ts';
import { OWN_OPERATIONS } from './own-operations.ts';
import { REGISTRY_OPERATIONS } from './registry-operations.ts';
import { SCHEMAS } from './schemas.ts';

/** What the daemon serves, described for tools; with the built-in registry where it is used. @see https://spec.openapis.org/oas/v3.1.0 */
export function openapiDocument(version: string, hasRegistry: boolean): object {
  const tagged = [
    ['Connectors', CONNECT_OPERATIONS],
    ['Schema registry', hasRegistry ? REGISTRY_OPERATIONS : []],
    ['Rowcast', OWN_OPERATIONS],
  ] as const;
  const paths: Record<string, Record<string, object>> = {};
  for (const [tag, operations] of tagged) {
    for (const operation of operations) {
      (paths[operation.path] ??= {})[operation.method] = { tags: [tag], ...described(operation) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rowcast',
      version,
      description: "Kafka Connect's REST API, a schema registry of Confluent's kind, health and metrics.",
    },
    // Which one, or none, is rest.authentication's to say.
    security: [{}, { basic: [] }, { bearer: [] }],
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: { basic: { type: 'http', scheme: 'basic' }, bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function described({ path, summary, query = {}, body, answers }: Operation): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
  const inQuery = Object.entries(query).map(([name, description]) => {
    return { name, in: 'query', description, schema: { type: 'string' } };
  });
  return {
    summary,
    ...(inPath.length + inQuery.length > 0 && { parameters: [...inPath, ...inQuery] }),
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, response(status, answer)]),
    ),
  };
}

/** An error has the shape of all errors. */
function response(status: string, answer: Operation['answers'][number]): object {
  const { description, schema } = typeof answer === 'string' ? { description: answer, schema: undefined } : answer;
  const shape = schema ?? (Number(status) >= 400 ? 'Error' : undefined);
  return { description, ...(shape && { content: json(shape) }) };
}

function json(schema: SchemaName): object {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}
