import { Hono } from 'hono';
import { type ConfigInfos, configDef, validate } from '../../connector/config-def.ts';
import { CONNECTOR_CLASSES, namesOf } from '../../connector/connector-classes.ts';
import { findPlugin, noPlugin } from '../../connector/find-plugin.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import { CONVERTER_CLASSES, TRANSFORM_CLASSES } from '../../connector/transform-settings.ts';
import { noClass } from '../connectors/judge-config.ts';
import { refusal } from './answer.ts';
import { connectBodyOrText } from './request-body.ts';
import { settingsIn, withoutNulls } from './settings-in.ts';
import type { RestEnv } from './rest-env.ts';

/** What Connect calls a plugin. */
interface Plugin {
  readonly class: string;
  readonly type: 'source' | 'sink' | 'converter' | 'transformation';
  readonly version: string;
}

/** What else a file may name. None has settings that Connect's tools could ask for: those of converters are the connector's. */
const OTHERS: readonly Omit<Plugin, 'version'>[] = [
  ...CONVERTER_CLASSES.map((name) => ({ class: name, type: 'converter' as const })),
  ...TRANSFORM_CLASSES.map((name) => ({ class: name, type: 'transformation' as const })),
];

/**
 * The part of Kafka Connect's REST API that tells which classes there are, what settings they have, and what is wrong with a config. Aliases are
 * listed like classes: a tool that knows Debezium's shows its form. References in a config are not resolved, and files that it names are not
 * looked at: who may ask here is not thereby to learn which variables and files this machine has, nor to have them opened.
 */
export function pluginRoutes(version: string): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.get('/connector-plugins', (c) => {
    const isAll = c.req.query('connectorsOnly')?.toLowerCase() === 'false'; // Python's clients say False
    const others = OTHERS.map((each) => ({ ...each, version }));
    return c.json([...connectors(version), ...(isAll ? others : [])]);
  });
  routes.get('/connector-plugins/:plugin/config', (c) => {
    const plugin = c.req.param('plugin');
    const named = findPlugin(plugin);
    if (named === undefined && OTHERS.some((each) => isCalled(each.class, plugin))) return c.json([]);
    if (named === undefined) throw refusal(404, `Unknown plugin ${plugin}.`);
    return c.json(configDef(named.connector, named.name));
  });
  routes.put('/connector-plugins/:plugin/config/validate', async (c) => {
    const config = withoutNulls(settingsIn(await connectBodyOrText(c)));
    return c.json(judge(c.req.param('plugin'), config));
  });
  return routes;
}

function connectors(version: string): readonly Plugin[] {
  return CONNECTOR_CLASSES.flatMap((each) => namesOf(each).map((name) => ({ class: name, type: each.kind, version })));
}

/** Judges the config by the class that it names, in the words of files; the path has to mean the same one. */
function judge(plugin: string, config: RawConfig): ConfigInfos {
  const wanted = config['connector.class'];
  if (wanted === undefined || wanted === '') throw noClass(config);
  const found = findPlugin(wanted);
  if (found === undefined) throw refusal(400, noPlugin(wanted));
  if (findPlugin(plugin)?.connector !== found.connector) {
    throw refusal(400, `Included connector type ${wanted} does not match request type ${plugin}`);
  }
  const { connector, name } = found;
  return { ...validate(connector, { ...config, 'connector.class': name }), name: wanted };
}

/** By its whole name, or without its package. */
function isCalled(name: string, wanted: string): boolean {
  return name === wanted || name.slice(name.lastIndexOf('.') + 1) === wanted;
}
