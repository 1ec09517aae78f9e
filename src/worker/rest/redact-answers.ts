import type { MiddlewareHandler } from 'hono';
import type { Redactor } from '../../observe/redaction.ts';

/** What clients tell apart by these members are names and closed words, which hold no secret: a password "shop" leaves connector "shop" alone. */
const NAMES: ReadonlySet<string> = new Set([
  'name',
  'connector',
  'connector.class',
  'class',
  'type',
  'state',
  'status',
  'stage',
  'worker_id',
  'version',
]);

/** Paths of the registry: schemas are what everybody may know, and have to arrive as they were registered. */
const REGISTRY = /^\/(subjects|schemas|contexts)(\/|$)/;

/** Takes known secrets out of every text of every JSON answer: belt and braces for Invariant 11. Of a schema only errors are looked through. */
export function redactAnswers(redactor: Redactor): MiddlewareHandler {
  return async (c, next) => {
    await next();
    if (!c.res.headers.get('content-type')?.includes('json')) return;
    if (c.res.ok && REGISTRY.test(c.req.path)) return;
    const body = await c.res.clone().text();
    if (redactor.redact(body) === body) return;
    const { status, headers } = c.res;
    c.res = undefined; // Hono merges headers into a response that is there
    c.res = new Response(JSON.stringify(redactTexts(JSON.parse(body), 'name', redactor)), { status, headers });
  };
}

/** `member` is the one that the value is under; elements of an array are under the array's. A whole answer of texts is a list of names. */
function redactTexts(value: unknown, member: string, redactor: Redactor): unknown {
  if (typeof value === 'string') return NAMES.has(member) ? value : redactor.redact(value);
  if (Array.isArray(value)) return value.map((each) => redactTexts(each, member, redactor));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redactTexts(each, key, redactor)]));
}
