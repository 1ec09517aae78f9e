import { type Context, Hono } from 'hono';
import { TransientError } from '../../errors.ts';
import { errorAnswer, refusal } from './answer.ts';
import { connectorInfo, connectorStateInfo, taskConfig, taskIds } from './connect-shapes.ts';
import type { ConnectorView, DaemonView } from './daemon-view.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * Kafka Connect's REST API as far as it reads: `/`, `/connectors` and below. `workerId` is what tools show as the worker. What would change a
 * connector is answered with 405: connectors are what the files say. What has to be looked up is given up when the server is `closing`.
 * @see https://kafka.apache.org/documentation/#connect_rest
 */
export function connectRoutes(view: DaemonView, workerId: () => string, closing: AbortSignal): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const status = (connector: ConnectorView): object => connectorStateInfo(connector, workerId(), view.version);
  routes.get('/', (c) => c.json({ version: view.version, commit: 'unknown', kafka_cluster_id: view.clusterId }));
  routes.get('/connectors', (c) => {
    const expansions = c.req.queries('expand') ?? [];
    if (expansions.length === 0) return c.json(view.connectors().map(({ name }) => name));
    const expanded = view.connectors().map((connector) => [
      connector.name,
      {
        ...(expansions.includes('info') && { info: connectorInfo(connector) }),
        ...(expansions.includes('status') && { status: status(connector) }),
      },
    ]);
    return c.json(Object.fromEntries(expanded));
  });
  routes.get('/connectors/:name', (c) => c.json(connectorInfo(named(view, c))));
  routes.get('/connectors/:name/config', (c) => c.json(connectorInfo(named(view, c)).config));
  routes.get('/connectors/:name/status', (c) => {
    return c.json(status(named(view, c, (name) => `No status found for connector ${name}`)));
  });
  addTasks(routes, view, workerId);
  addPlaces(routes, view, closing);
  addManaged(routes, view);
  return routes;
}

function addTasks(routes: Hono<RestEnv>, view: DaemonView, workerId: () => string): void {
  routes.get('/connectors/:name/tasks', (c) => {
    const connector = named(view, c);
    return c.json(taskIds(connector).map((id) => ({ id, config: taskConfig(connector) })));
  });
  routes.get('/connectors/:name/tasks-config', (c) => {
    const connector = named(view, c);
    const configs = taskIds(connector).map(({ task }) => [`${connector.name}-${task}`, taskConfig(connector)]);
    return c.json(Object.fromEntries(configs));
  });
  routes.get('/connectors/:name/tasks/:task/status', (c) => {
    const task = c.req.param('task');
    const missing = (name: string): string => `No status found for task ${name}-${task}`;
    const connector = named(view, c, missing);
    const found = connectorStateInfo(connector, workerId(), view.version).tasks.find(({ id }) => String(id) === task);
    if (found === undefined) throw refusal(404, missing(connector.name));
    return c.json(found);
  });
}

/** Where a connector stands, and in which topics. Nothing is stopped to look. */
function addPlaces(routes: Hono<RestEnv>, view: DaemonView, closing: AbortSignal): void {
  routes.get('/connectors/:name/offsets', async (c) => {
    const { name, status } = named(view, c);
    if (status === undefined) return c.json({ offsets: [] }); // it has never run
    const signal = AbortSignal.any([closing, c.req.raw.signal]);
    const { value } = await view.operate({ kind: 'offsets', connector: name }, signal);
    const { offsets, error } = (value as Readonly<Record<string, ToldOffsets>>)[name] ?? {};
    if (error !== undefined) throw new TransientError(error);
    return c.json({ offsets: offsets ?? [] });
  });
  // As Connect does it: a name that nobody knows has no topics.
  routes.get('/connectors/:name/topics', async (c) => {
    const name = c.req.param('name');
    const topics = await view.topics(name, AbortSignal.any([closing, c.req.raw.signal]));
    return c.json({ [name]: { topics } });
  });
}

/** One connector's part of what `offsets` answers. */
interface ToldOffsets {
  readonly offsets?: readonly unknown[];
  readonly error?: string;
}

/** What Connect can change about connectors; each path with the methods that do work there. */
const MANAGED: readonly (readonly [path: string, allowed: string])[] = [
  ['/connectors', 'GET, HEAD'],
  ['/connectors/:name', 'GET, HEAD'],
  ['/connectors/:name/config', 'GET, HEAD'],
  ['/connectors/:name/offsets', 'GET, HEAD'],
  ['/connectors/:name/topics/reset', ''],
  ['/connectors/:name/pause', ''],
  ['/connectors/:name/resume', ''],
  ['/connectors/:name/stop', ''],
  ['/connectors/:name/restart', ''],
  ['/connectors/:name/tasks/:task/restart', ''],
];

/** 405 and not 409: some tools take 409 for a rebalance of Connect, and ask again and again. */
function addManaged(routes: Hono<RestEnv>, view: DaemonView): void {
  for (const [path, allowed] of MANAGED) {
    routes.on(['POST', 'PUT', 'PATCH', 'DELETE'], path, (c) => {
      const connector = c.req.param('name') === undefined ? undefined : named(view, c);
      const file = connector === undefined ? 'put a file into the directory of connectors' : `change ${connector.file}`;
      c.header('Allow', allowed);
      return errorAnswer(c, 405, `Connectors are managed by files here: ${file}, or remove it, and Rowcast follows`);
    });
  }
}

/** The connector of the path, else 404 with Connect's words. */
function named(
  view: DaemonView,
  c: Context<RestEnv>,
  missing: (name: string) => string = (name) => `Connector ${name} not found`,
): ConnectorView {
  const name = c.req.param('name') ?? '';
  const connector = view.connectors().find((each) => each.name === name);
  if (connector === undefined) throw refusal(404, missing(name));
  return connector;
}
