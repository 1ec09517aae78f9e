import { timingSafeEqual } from 'node:crypto';
import { type Context, Hono } from 'hono';
import type { TailFrom, TailRequest } from '../tail/tail.ts';
import { refusal } from './answer.ts';
import type { DaemonView } from './daemon-view.ts';
import type { RestConfig } from '../worker-config.ts';
import type { RestEnv } from './rest-env.ts';

const MOST_RECORDS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/**
 * `GET /rowcast/v1/topics/{topic}/records`: the next records as rows. `from` is `start`, `end`, or what `next` of the last answer says, as
 * `partition:offset` by commas; `limit` at most 1,000; `wait` is how long to wait for the first one, at most 30,000 ms. Rows are nobody's
 * business who is only on the same machine: where no credentials are asked for, the key of `daemon.json` in header X-Rowcast-Key is.
 */
export function tailRoutes(
  view: DaemonView,
  authentication: RestConfig['authentication'],
  closing: AbortSignal,
): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.get('/rowcast/v1/topics/:topic/records', async (c) => {
    if (authentication === 'none' && !hasKey(c, view.key)) {
      throw refusal(
        403,
        'Rows are shown to who can read daemon.json in the state directory, or with rest.authentication',
      );
    }
    const request: TailRequest = {
      topic: c.req.param('topic'),
      from: fromOf(c.req.query('from') ?? 'start'),
      limit: numberOf('limit', c.req.query('limit') ?? '100', 1, MOST_RECORDS),
      waitMs: numberOf('wait', c.req.query('wait') ?? '0', 0, LONGEST_WAIT_MS),
    };
    return c.json(await view.tail(request, AbortSignal.any([closing, c.req.raw.signal])));
  });
  return routes;
}

function hasKey(c: Context, key: string): boolean {
  const [given, expected] = [c.req.header('x-rowcast-key') ?? '', key].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
  ];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** `start`, `end`, or `0:17,1:4`. */
export function fromOf(text: string): TailFrom {
  if (text === 'start' || text === 'end') return text;
  const pairs = text.split(',').map((pair) => /^(\d{1,9}):(\d{1,15})$/.exec(pair));
  if (pairs.some((pair) => pair === null)) {
    throw refusal(400, 'from must be start, end, or partition:offset, several by commas');
  }
  return Object.fromEntries(pairs.map((pair) => [Number(pair?.[1]), Number(pair?.[2])]));
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw refusal(400, `${name} must be a number from ${least} to ${most}`);
}
