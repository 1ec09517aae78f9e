import { type Context, Hono } from 'hono';
import { refusal } from './answer.ts';
import type { DaemonView, OperatorRequest } from './daemon-view.ts';
import { jsonObject } from './request-body.ts';
import type { RestEnv } from './rest-env.ts';

type Signal = Extract<OperatorRequest, { readonly kind: 'signal' }>;

/**
 * `POST /connectors/{name}/snapshot`: the body is the data of an execute-snapshot signal; `DELETE`: of a stop-snapshot, and may be left out;
 * `PUT …/snapshot/pause` and `…/resume`. Answered with 202 and an id when the request stands in the log, 409 with a reason when it cannot be met.
 * `PUT /connectors/{name}/sequences/sync`: answered when the log has where the sequences stand.
 */
export function snapshotRoutes(view: DaemonView, closing: AbortSignal): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const ask = async (c: Context<RestEnv>, type: Signal['type'], data: Signal['data']): Promise<Response> => {
    const connector = c.req.param('name') ?? '';
    if (!view.connectors().some(({ name }) => name === connector)) {
      throw refusal(404, `Connector ${connector} not found`);
    }
    const signal = AbortSignal.any([closing, c.req.raw.signal]);
    const { value } = await view.operate({ kind: 'signal', connector, type, data }, signal);
    return c.json(value as object, 202);
  };
  routes.post('/connectors/:name/snapshot', async (c) => await ask(c, 'execute-snapshot', await jsonObject(c)));
  routes.delete('/connectors/:name/snapshot', async (c) => {
    const hasBody = Number(c.req.header('content-length') ?? 0) > 0 || c.req.header('transfer-encoding') !== undefined;
    return await ask(c, 'stop-snapshot', hasBody ? await jsonObject(c) : {});
  });
  routes.put('/connectors/:name/snapshot/pause', async (c) => await ask(c, 'pause-snapshot', {}));
  routes.put('/connectors/:name/snapshot/resume', async (c) => await ask(c, 'resume-snapshot', {}));
  routes.put('/connectors/:name/sequences/sync', async (c) => await ask(c, 'sync-sequences', {}));
  return routes;
}
