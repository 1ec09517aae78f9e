import { Hono } from 'hono';
import { refusal } from './answer.ts';
import { connectorInfo, connectorStateInfo, taskConfig, taskIds } from './connect-shapes.ts';
import type { ConnectorView, DaemonView } from './daemon-view.ts';
import { named } from './named.ts';
import type { RestEnv } from './rest-env.ts';

/** The version of Connect whose API this is: tools leave commands out that an older one would not know. */
const SPOKEN = '4.1.0';

/**
 * Kafka Connect's REST API as far as it reads: `/`, `/connectors` and below. `workerId` is what tools show as the worker. What has to be looked
 * up is given up when the server is `closing`.
 * @see https://kafka.apache.org/documentation/#connect_rest
 */
export function connectRoutes(view: DaemonView, workerId: () => string, closing: AbortSignal): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const status = (connector: ConnectorView): object => connectorStateInfo(connector, workerId(), view.version);
  routes.get('/', (c) => {
    const { version, clusterId } = view;
    return c.json({ version: SPOKEN, commit: `rowcast-${version}`, kafka_cluster_id: clusterId, rowcast: { version } });
  });
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
  addTopics(routes, view, closing);
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

/** In which topics a connector is. They are those of its log, so there is nothing to track, and nothing to reset. */
function addTopics(routes: Hono<RestEnv>, view: DaemonView, closing: AbortSignal): void {
  // As Connect does it: a name that nobody knows has no topics.
  routes.get('/connectors/:name/topics', async (c) => {
    const name = c.req.param('name');
    const topics = await view.topics(name, AbortSignal.any([closing, c.req.raw.signal]));
    return c.json({ [name]: { topics } });
  });
  routes.put('/connectors/:name/topics/reset', (c) => c.body(null, 202));
}
