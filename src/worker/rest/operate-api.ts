import { Hono } from 'hono';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { refusal } from './answer.ts';
import type { DaemonView, OperatorRequest } from './daemon-view.ts';
import { jsonObject } from './request-body.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * `POST /rowcast/v1/operate`: an OperatorRequest as JSON, answered with an OperatorAnswer. A request that cannot be carried out is answered
 * with 409, message and advice; it is given up when the client goes away or the server is `closing`.
 */
export function operateRoutes(view: DaemonView, closing: AbortSignal): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.post('/rowcast/v1/operate', async (c) => {
    const request = operatorRequest(await jsonObject(c));
    return c.json(await view.operate(request, AbortSignal.any([closing, c.req.raw.signal])));
  });
  return routes;
}

/** Checks every member; what is not asked for explicitly is not done. */
function operatorRequest(body: JsonObject): OperatorRequest {
  switch (body.kind) {
    case 'offsets':
      return { kind: 'offsets', connector: body.connector === undefined ? undefined : connectorOf(body) };
    case 'accept':
      return { kind: 'accept', connector: connectorOf(body), fromNow: flagOf(body, 'fromNow') };
    case 'reset':
      return { kind: 'reset', connector: connectorOf(body) };
    case 'signal':
      return { kind: 'signal', connector: connectorOf(body), type: typeOf(body), data: dataOf(body) };
    case 'delete':
      return {
        kind: 'delete',
        connector: connectorOf(body),
        dropSlot: flagOf(body, 'dropSlot'),
        dropPublication: flagOf(body, 'dropPublication'),
        dropProgress: flagOf(body, 'dropProgress'),
      };
    default:
      throw refusal(400, 'kind must be one of: offsets, accept, reset, signal, delete');
  }
}

function connectorOf({ connector }: JsonObject): string {
  if (typeof connector === 'string' && connector !== '') return connector;
  throw refusal(400, 'connector must be the name of a connector');
}

const SIGNALS = ['execute-snapshot', 'stop-snapshot', 'pause-snapshot', 'resume-snapshot', 'sync-sequences'] as const;

function typeOf({ type }: JsonObject): (typeof SIGNALS)[number] {
  const found = SIGNALS.find((each) => each === type);
  if (found !== undefined) return found;
  throw refusal(400, `type must be one of: ${SIGNALS.join(', ')}`);
}

function dataOf({ data = {} }: JsonObject): JsonObject {
  if (isJsonObject(data)) return data;
  throw refusal(400, 'data must be an object');
}

function flagOf(body: JsonObject, member: string): boolean {
  const value = body[member] ?? false;
  if (typeof value === 'boolean') return value;
  throw refusal(400, `${member} must be true or false`);
}
