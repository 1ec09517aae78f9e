import { Hono } from 'hono';
import type { DaemonView } from './daemon-view.ts';
import type { Health } from './health.ts';
import type { RestEnv } from './rest-env.ts';

/**
 * `GET /health` is about progress: 503 while any connector makes none. It is for alerts and for people, and not to be used as a liveness
 * probe: starting the daemon again mends neither a missing grant nor a server that is down, and stops the connectors that are well.
 * `GET /ready` is 200 from when all connectors were started. It is for start-up, readiness and liveness probes: a daemon that answers lives.
 */
export function healthRoutes(view: DaemonView, judgeNow: () => Health): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.get('/health', (c) => {
    if (!view.isReady)
      return c.json({ status: 'starting', message: 'The connectors are being started', connectors: [] }, 503);
    const health = judgeNow();
    const body = c.get('isTrusted') ? health : { status: health.status, message: withoutNames(health) };
    return c.json(body, health.status === 'unhealthy' ? 503 : 200);
  });
  routes.get('/ready', (c) =>
    view.isReady
      ? c.json({ status: 'ready', message: 'All connectors were started' })
      : c.json({ status: 'starting', message: 'The connectors are being started' }, 503),
  );
  return routes;
}

/** For who showed no credentials: names and errors of connectors are not everybody's business. */
function withoutNames({ status, message, connectors }: Health): string {
  const unwell = connectors.filter((each) => each.status !== 'healthy').length;
  return status === 'healthy'
    ? message
    : `${unwell} of ${connectors.length} connectors are not healthy; credentials show which`;
}
