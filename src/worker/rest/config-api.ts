import { type Context, Hono } from 'hono';
import type { TargetState } from '../connectors/target-states.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { refusal } from './answer.ts';
import { connectorInfo } from './connect-shapes.ts';
import type { ConfigChange, ConnectorView, DaemonView } from './daemon-view.ts';
import { connectBody } from './request-body.ts';
import type { RestEnv } from './rest-env.ts';
import { settingsIn } from './settings-in.ts';

/**
 * The part of Kafka Connect's REST API that changes configurations: creates connectors, gives them another config, changes single settings and
 * deletes them. What `rest.connectors=read-only` forbids is answered with 403, and the file to change.
 */
export function configRoutes({ control }: DaemonView): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  const put = async (c: Context, change: ConfigChange): Promise<Response> => {
    const { view, isNew } = await control.put(change);
    if (isNew) c.header('Location', placeOf(view));
    return c.json(connectorInfo(view), isNew ? 201 : 200);
  };
  routes.post('/connectors', async (c) => {
    const body = await connectBody(c);
    const config = configIn(body);
    const name = nameIn(body, config);
    const initialState = stateIn(body);
    const more = initialState === undefined ? {} : { initialState };
    return await put(c, { kind: 'create', name, config: matching(name, config), ...more });
  });
  routes.put('/connectors/:name/config', async (c) => {
    const name = checked(c.req.param('name'));
    return await put(c, { kind: 'replace', name, config: matching(name, settingsIn(await connectBody(c))) });
  });
  routes.patch('/connectors/:name/config', async (c) => {
    const name = c.req.param('name');
    return await put(c, { kind: 'patch', name, config: matching(name, settingsIn(await connectBody(c))) });
  });
  routes.delete('/connectors/:name', async (c) => {
    await control.remove(c.req.param('name'));
    return c.body(null, 204);
  });
  return routes;
}

function placeOf({ name }: ConnectorView): string {
  return `/connectors/${encodeURIComponent(name)}`;
}

function configIn({ config }: JsonObject): ConfigChange['config'] {
  if (isJsonObject(config)) return settingsIn(config);
  throw refusal(
    400,
    'config must be an object of settings: POST /connectors takes {"name", "config": {…}}; a config alone goes to PUT /connectors/{name}/config',
  );
}

/** Blanks around it do not count. */
function nameIn({ name }: JsonObject, config: ConfigChange['config']): string {
  const given = name ?? config.name ?? '';
  if (typeof given === 'string') return checked(given.trim());
  throw refusal(400, 'name must be a text');
}

/** No path of a URL leads to `.` and `..`: such a connector could not be asked for. */
function checked(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/\p{Cc}/u.test(name)) return name;
  throw refusal(
    400,
    'Connector configuration is invalid and contains the following 1 error(s):\nname must not be empty, "." or "..", and have no control characters',
  );
}

/** The config, whose own name, if it has one, must be that of the connector. */
function matching(name: string, config: ConfigChange['config']): ConfigChange['config'] {
  if ((config.name ?? name) === name) return config;
  throw refusal(400, `Connector name configuration (${config.name}) doesn't match connector name in the URL (${name})`);
}

const STATES: readonly TargetState[] = ['RUNNING', 'PAUSED', 'STOPPED'];

function stateIn({ initial_state: given }: JsonObject): TargetState | undefined {
  if (given === undefined || given === null) return undefined;
  const state = STATES.find((each) => typeof given === 'string' && given.toUpperCase() === each);
  if (state !== undefined) return state;
  throw refusal(400, `initial_state must be one of: ${STATES.join(', ')}`);
}
