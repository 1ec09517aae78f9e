import { type Context, Hono } from 'hono';
import { refusal } from './answer.ts';
import { type ConnectorStateInfo, connectorStateInfo, taskIds } from './connect-shapes.ts';
import type { ConnectorView, DaemonView } from './daemon-view.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * The part of Kafka Connect's REST API that starts and stops: pause, resume, stop, restart, and the restart of a task. A connector here is one
 * task, so whichever of the two is restarted, both are.
 */
export function stateRoutes(view: DaemonView, workerId: () => string): Hono<RestEnv> {
  const { control } = view;
  const routes = new Hono<RestEnv>();
  routes.put('/connectors/:name/pause', async (c) => {
    await control.setTarget(c.req.param('name'), 'PAUSED');
    return c.body(null, 202);
  });
  routes.put('/connectors/:name/resume', async (c) => {
    await control.setTarget(c.req.param('name'), 'RUNNING');
    return c.body(null, 202);
  });
  routes.put('/connectors/:name/stop', async (c) => {
    await control.setTarget(c.req.param('name'), 'STOPPED');
    return c.body(null, 204);
  });
  routes.post('/connectors/:name/restart', async (c) => {
    const connector = known(view, c);
    const [includeTasks, onlyFailed] = [isAsked(c, 'includeTasks'), isAsked(c, 'onlyFailed')];
    const before = connectorStateInfo(connector, workerId(), view.version);
    const isMeant = !onlyFailed || before.connector.state === 'FAILED';
    if (isMeant) await control.restart(connector.name);
    if (!includeTasks && !onlyFailed) return c.body(null, 204);
    return c.json(isMeant ? restarting(before, includeTasks) : before, 202);
  });
  routes.post('/connectors/:name/tasks/:task/restart', async (c) => {
    const task = c.req.param('task');
    if (!/^\d{1,9}$/.test(task)) throw refusal(404, 'HTTP 404 Not Found');
    const connector = known(view, c);
    const { name } = connector;
    if (!taskIds(connector).some((each) => each.task === Number(task)))
      throw refusal(404, `Unknown task: ${name}-${task}`);
    await control.restart(name);
    return c.body(null, 204);
  });
  return routes;
}

function known(view: DaemonView, c: Context): ConnectorView {
  const name = c.req.param('name') ?? '';
  const connector = view.connectors().find((each) => each.name === name);
  if (connector === undefined) throw refusal(404, `Unknown connector: ${name}`);
  return connector;
}

/** Python's clients say True. */
function isAsked(c: Context, parameter: string): boolean {
  return c.req.query(parameter)?.toLowerCase() === 'true';
}

/** What Connect answers: the states that it has just given to what it starts anew. What rests stays as it is. */
function restarting(info: ConnectorStateInfo, includeTasks: boolean): ConnectorStateInfo {
  const { connector, tasks } = info;
  if (connector.state === 'PAUSED' || connector.state === 'STOPPED') return info;
  const restarted = <T extends ConnectorStateInfo['connector']>({
    trace: _,
    ...each
  }: T): Omit<T, 'trace'> & { readonly state: 'RESTARTING' } => ({
    ...each,
    state: 'RESTARTING',
  });
  return { ...info, connector: restarted(connector), tasks: includeTasks ? tasks.map(restarted) : tasks };
}
