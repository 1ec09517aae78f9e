import { Hono } from 'hono';
import { type ConfigInfos, configDef, validate } from '../../connector/config-def.ts';
import {
  type AnyConnectorClass,
  CONNECTOR_CLASSES,
  connectorClass,
  namesOf,
} from '../../connector/connector-classes.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import { refusal } from './answer.ts';
import { jsonObject } from './request-body.ts';
import type { RestEnv } from './rest-env.ts';

/** What Connect calls a plugin. */
interface Plugin {
  readonly class: string;
  readonly type: 'source' | 'sink' | 'converter';
  readonly version: string;
}

/** The converter that files name, and the only one. */
const CONVERTERS: readonly string[] = ['io.confluent.connect.avro.AvroConverter'];

/**
 * The part of Kafka Connect's REST API that tells which classes there are, what settings they have, and what is wrong with a config. Aliases are
 * listed like classes: a tool that knows Debezium's shows its form. References in a config are not resolved, and files that it names are not
 * looked at: who may ask here is not thereby to learn which variables and files this machine has, nor to have them opened.
 */
export function pluginRoutes(version: string): Hono<RestEnv> {
  const routes = new Hono<RestEnv>();
  routes.get('/connector-plugins', (c) => {
    const isAll = c.req.query('connectorsOnly')?.toLowerCase() === 'false'; // Python's clients say False
    return c.json([...connectors(version), ...(isAll ? converters(version) : [])]);
  });
  routes.get('/connector-plugins/:plugin/config', (c) => {
    const plugin = c.req.param('plugin');
    const named = find(plugin);
    if (named === undefined) throw refusal(404, `Unknown plugin ${plugin}.`);
    return c.json(configDef(named.connector, named.name));
  });
  routes.put('/connector-plugins/:plugin/config/validate', async (c) => {
    const config = texts(await jsonObject(c));
    return c.json(judge(c.req.param('plugin'), config));
  });
  return routes;
}

function connectors(version: string): readonly Plugin[] {
  return CONNECTOR_CLASSES.flatMap((each) => namesOf(each).map((name) => ({ class: name, type: each.kind, version })));
}

function converters(version: string): readonly Plugin[] {
  return CONVERTERS.map((name) => ({ class: name, type: 'converter', version }));
}

/** Judges the config by the class that it names, in the words of files; the path has to mean the same one. */
function judge(plugin: string, config: RawConfig): ConfigInfos {
  const wanted = config['connector.class'];
  if (wanted === undefined || wanted === '') throw refusal(400, 'The config contains no connector.class');
  const connector = connectorClass(wanted);
  if (connector === undefined) {
    const known = CONNECTOR_CLASSES.flatMap(namesOf).join(', ');
    throw refusal(
      400,
      `Failed to find any class that implements Connector and which name matches ${wanted}, available connectors are: ${known}`,
    );
  }
  if (find(plugin)?.connector !== connector) {
    throw refusal(400, `Included connector type ${wanted} does not match request type ${plugin}`);
  }
  return validate(connector, config);
}

/** A class by its name or an alias, whole, without its package, or without `Connector` at its end, as Connect finds plugins. */
function find(wanted: string): { readonly connector: AnyConnectorClass; readonly name: string } | undefined {
  const connector = connectorClass(wanted, true) ?? connectorClass(`${wanted}Connector`, true);
  if (connector === undefined) return undefined;
  const simple = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const isMeant = (name: string): boolean => [simple(wanted), `${simple(wanted)}connector`].includes(simple(name));
  return { connector, name: namesOf(connector).find(isMeant) ?? connector.name };
}

/** Settings as texts; Connect's clients send `null` for "not set". Anything that is not flat is refused. */
function texts(body: Readonly<Record<string, unknown>>): RawConfig {
  const given = Object.entries(body).filter(([, value]) => value !== null);
  return Object.fromEntries(
    given.map(([key, value]) => {
      if (typeof value === 'string') return [key, value];
      if (typeof value === 'number' || typeof value === 'boolean') return [key, String(value)];
      throw refusal(400, `${key} must be a text: settings are flat`);
    }),
  );
}
