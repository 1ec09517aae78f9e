import { type Context, Hono } from 'hono';
import { TransientError } from '../../errors.ts';
import { refusal } from './answer.ts';
import { named } from './named.ts';
import { stateOf } from './connect-shapes.ts';
import type { ConnectorView, DaemonView } from './daemon-view.ts';
import { judgeOffsets, type Offset } from './judge-offsets.ts';
import { connectBody } from './request-body.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * The part of Kafka Connect's REST API about where connectors stand: `GET`, `PATCH` and `DELETE /connectors/{name}/offsets`. A reset is what
 * `rowcast offsets reset` does. To look, nothing is stopped; what takes long is given up when the server is `closing`.
 */
export function offsetsRoutes(view: DaemonView, closing: AbortSignal): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const path = '/connectors/:name/offsets';
  const signalOf = (c: Context): AbortSignal => AbortSignal.any([closing, c.req.raw.signal]);
  const reset = async (name: string, done: string, signal: AbortSignal): Promise<object> => {
    await view.operate({ kind: 'reset', connector: name }, signal);
    return { message: `The offsets for this connector have been ${done} successfully` };
  };
  routes.get(path, async (c) => {
    const { name, kind } = named(view, c);
    if (kind === undefined) return c.json({ offsets: [] }); // it has never been valid
    return c.json({ offsets: await offsetsOf(view, name, signalOf(c)) });
  });
  routes.delete(path, async (c) => {
    const { name } = stopped(named(view, c));
    return c.json(await reset(name, 'reset', signalOf(c)));
  });
  routes.patch(path, async (c) => {
    const body = await connectBody(c);
    const connector = named(view, c);
    const { name, kind } = connector;
    if (!Array.isArray(body.offsets) || body.offsets.length === 0) {
      throw refusal(400, 'Partitions / offsets need to be provided for an alter offsets request');
    }
    stopped(connector);
    const signal = signalOf(c);
    const current = await offsetsOf(view, name, signal);
    const judged = judgeOffsets(name, kind ?? 'source', body.offsets, current);
    if (judged === 'reset') return c.json(await reset(name, 'altered', signal));
    return c.json({ message: 'The offsets for this connector have been altered successfully' });
  });
  return routes;
}

/** The connector, which must be stopped and have a configuration. */
function stopped(connector: ConnectorView): ConnectorView {
  const { name, kind } = connector;
  if (kind !== undefined && stateOf(connector) === 'STOPPED') return connector;
  throw refusal(
    400,
    `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
  );
}

/** One connector's part of what the request `offsets` answers. */
interface ToldOffsets {
  readonly offsets?: readonly Offset[];
  readonly error?: string;
}

/** Where a connector stands. TransientError when its server does not tell. */
async function offsetsOf(view: DaemonView, name: string, signal: AbortSignal): Promise<readonly Offset[]> {
  const { value } = await view.operate({ kind: 'offsets', connector: name }, signal);
  const { offsets, error } = (value as Readonly<Record<string, ToldOffsets>>)[name] ?? {};
  if (error !== undefined) throw new TransientError(error);
  return offsets ?? [];
}
