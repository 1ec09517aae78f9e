import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { RestConfig } from '../worker-config.ts';
import { errorAnswer } from './answer.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * Open without credentials: the probes of Docker, Kubernetes and load balancers have none to send. /health tells them only whether all is well;
 * which connector is not, and why, it tells who is trusted.
 */
const OPEN: readonly string[] = ['/health', '/ready'];

/** Asks for the configured credentials and answers 401 to others. */
export function authenticate({ authentication, credentials }: RestConfig): MiddlewareHandler<RestEnv> {
  return async (c, next) => {
    const isTrusted =
      authentication === 'none' || matches(given(c.req.header('authorization'), authentication), credentials);
    c.set('isTrusted', isTrusted);
    if (isTrusted || OPEN.includes(c.req.path.replace(/(.)\/$/, '$1'))) return await next();
    const challenge = authentication === 'basic' ? 'Basic realm="rowcast", charset="UTF-8"' : 'Bearer realm="rowcast"';
    c.header('WWW-Authenticate', challenge);
    return errorAnswer(c, 401, 'The request has no valid credentials');
  };
}

/** What the header carries for this scheme. */
function given(header: string | undefined, scheme: 'basic' | 'bearer'): string | undefined {
  const [, name, value] = /^(\S+) +(\S+)$/.exec(header ?? '') ?? [];
  if (name?.toLowerCase() !== scheme || value === undefined) return undefined;
  return scheme === 'basic' ? Buffer.from(value, 'base64').toString() : value;
}

/** Takes the same time however much of the text is right: hashes have one length, and are compared as a whole. */
function matches(text: string | undefined, expected: string | undefined): boolean {
  if (text === undefined || expected === undefined) return false;
  return timingSafeEqual(digest(text), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
