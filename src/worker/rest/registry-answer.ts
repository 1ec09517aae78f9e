import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** The registry's own type of JSON, which its clients ask for first. */
export const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';

/** JSON in the type that the request accepts: the registry's own, or plain where that alone is accepted. */
export function registryAnswer(c: Context, value: unknown, status: ContentfulStatusCode = 200): Response {
  return registryText(c, JSON.stringify(value), status);
}

/** The same for a text that is JSON already: a schema leaves as it was registered. */
export function registryText(c: Context, json: string, status: ContentfulStatusCode = 200): Response {
  const accepted = c.req.header('accept') ?? '*/*';
  const isPlain = !/vnd\.schemaregistry|\*\/\*|application\/\*/i.test(accepted) && /application\/json/i.test(accepted);
  return c.body(json, status, { 'Content-Type': isPlain ? 'application/json' : MEDIA_TYPE });
}
