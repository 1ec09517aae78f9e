import { Hono } from 'hono';
import { type LevelSaid, loggerOf, type LogLevels, ROOT } from '../../observe/log-levels.ts';
import { refusal } from './answer.ts';
import type { DaemonView } from './daemon-view.ts';
import { connectBody } from './request-body.ts';
import type { RestEnv } from './rest-env.ts';

/** Connect's levels are those of log4j; ours has fewer. */
const LEVELS: Readonly<Record<string, LevelSaid['level']>> = {
  ALL: 'debug',
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'error',
  OFF: 'off',
};

/**
 * The part of Kafka Connect's REST API about loggers: `/admin/loggers` and below. There are `root` and, for the lines about one connector,
 * `connector.<name>`. What is set holds until the process ends. `scope=cluster` is this daemon: daemons do not know each other.
 */
export function loggerRoutes(view: DaemonView, levels: LogLevels, now: () => number): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.get('/admin/loggers', (c) => {
    const told = [...levels.all].map(([name, said]): [string, object] => [name, shape(said)]);
    return c.json(Object.fromEntries(told.sort(([a], [b]) => (a < b ? -1 : 1))));
  });
  routes.get('/admin/loggers/:logger', (c) => {
    return c.json(shape(levels.of(known(view, c.req.param('logger')))));
  });
  routes.put('/admin/loggers/:logger', async (c) => {
    const { level } = await connectBody(c);
    if (level === undefined || level === null) {
      throw refusal(400, "Desired 'level' parameter was not specified in request.");
    }
    const word = typeof level === 'string' ? level : JSON.stringify(level);
    const meant = Object.hasOwn(LEVELS, word.toUpperCase()) ? LEVELS[word.toUpperCase()] : undefined;
    if (meant === undefined) throw refusal(404, `invalid log level '${word}'.`);
    const changed = levels.set(known(view, c.req.param('logger')), meant, now());
    return c.req.query('scope')?.toLowerCase() === 'cluster' ? c.body(null, 204) : c.json(changed);
  });
  return routes;
}

function shape({ level, changedAt }: LevelSaid): object {
  return { level: level.toUpperCase(), last_modified: changedAt ?? null };
}

/** The logger of the path, else 404: a level for what has no lines of its own would change nothing. */
function known(view: DaemonView, name: string): string {
  if (name.toLowerCase() === ROOT) return ROOT;
  if (view.connectors().some((each) => loggerOf(each.name) === name)) return name;
  throw refusal(404, `Logger ${name} not found.`);
}
