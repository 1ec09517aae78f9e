import type { Context, Hono } from 'hono';
import { errorAnswer } from './answer.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * What is answered where no route is: 405 with the methods that the path has, or 404 for a path that there is not, in the words of Connect's
 * server; OPTIONS with the methods alone. Made when all routes of `app` are there.
 */
export function noRoute(app: Hono<RestEnv>): (c: Context) => Response {
  const paths = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue;
    const known = paths.get(path) ?? { pattern: patternOf(path), methods: new Set<string>() };
    known.methods.add(method);
    paths.set(path, known);
  }
  return (c) => {
    const path = c.req.path.replace(/(.)\/$/, '$1');
    const methods = new Set(
      [...paths.values()].flatMap(({ pattern, methods: of }) => (pattern.test(path) ? [...of] : [])),
    );
    if (methods.size === 0) return errorAnswer(c, 404, 'HTTP 404 Not Found');
    if (methods.has('GET')) methods.add('HEAD');
    c.header('Allow', [...methods, 'OPTIONS'].sort().join(', '));
    return c.req.method === 'OPTIONS' ? c.body(null, 200) : errorAnswer(c, 405, 'HTTP 405 Method Not Allowed');
  };
}

/** A parameter is one part of a path. */
function patternOf(path: string): RegExp {
  const parts = path
    .split('/')
    .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}
