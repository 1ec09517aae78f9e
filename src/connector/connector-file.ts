import { basename } from 'node:path';
import { describeError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { sinkConnection, sourceConnection } from './connection-of.ts';
import { isNamed, unknownClass } from './connector-classes.ts';
import { type ParsedConfig, parseConfig } from './parse-config.ts';
import { POSTGRES_QUERY_SOURCE, type PostgresQueryConfig } from './postgres-query-source.ts';
import { POSTGRES_SINK, type PostgresSinkConfig } from './postgres-sink.ts';
import { POSTGRES_TRIGGER_SOURCE, type PostgresTriggerConfig } from './postgres-trigger-source.ts';
import { POSTGRES_WAL_SOURCE, type PostgresWalConfig } from './postgres-wal-source.ts';
import type { RawConfig } from './read-settings.ts';
import type { Environment } from './reference.ts';

/**
 * One connector as its file declares it, read and checked. `kind` says which config it has; `raw` is the config as written, with its
 * references unresolved: never shown without `maskConfig`. Plain data that can be handed to a worker thread.
 */
export type ConnectorFile = {
  readonly name: string;
  readonly file: string;
  readonly raw: RawConfig;
  readonly warnings: readonly string[];
  /** What must never be printed: see `secretsOf`. */
  readonly secrets: readonly string[];
} & (
  | { readonly kind: 'PostgresWalSource'; readonly config: PostgresWalConfig }
  | { readonly kind: 'PostgresTriggerSource'; readonly config: PostgresTriggerConfig }
  | { readonly kind: 'PostgresQuerySource'; readonly config: PostgresQueryConfig }
  | { readonly kind: 'PostgresSink'; readonly config: PostgresSinkConfig }
);

/** A connector that captures changes, in whatever way. */
export type SourceConnector = Exclude<ConnectorFile, { readonly kind: 'PostgresSink' }>;

/** True for a connector that captures, false for one that applies. */
export function isSource(connector: ConnectorFile): connector is SourceConnector {
  return connector.kind !== 'PostgresSink';
}

/** One file as it is now. `name` and `raw` are there as far as they could be read. */
export type ReadFile =
  | { readonly file: string; readonly connector: ConnectorFile }
  | {
      readonly file: string;
      readonly name?: string;
      readonly raw?: RawConfig;
      /** Without the file's name in front. */
      readonly problems: readonly string[];
    };

/**
 * Every value of the connector that a log, an error or an answer must not hold; references are resolved. A password that is also the name of
 * its role or database hides nothing: masked, it would only make names and commands unreadable.
 */
export function secretsOf(connector: ConnectorFile): readonly string[] {
  const { user, database } = isSource(connector)
    ? sourceConnection(connector.config)
    : sinkConnection(connector.config);
  return connector.secrets.filter((secret) => secret !== user && secret !== database);
}

/** Reads one connector from the text of its file. */
export function readConnector(file: string, json: string, env: Environment): ReadFile {
  const shape = readShape(file, json);
  if (typeof shape === 'string') return { file, problems: [shape] };
  const { name, config: raw, beside } = shape;
  if (!/^[^\s/]{1,100}$/.test(name)) {
    return { file, raw, problems: ['name must have neither blanks nor slashes, and at most 100 characters'] };
  }
  const wanted = raw['connector.class'];
  if (raw.name !== undefined && raw.name !== name) {
    return {
      name,
      file,
      raw,
      problems: [`name is "${name}" beside config and "${raw.name}" in it: leave one of them out`],
    };
  }
  const head = { name, file, raw, beside };
  if (wanted === undefined) return { name, file, raw, problems: ['connector.class is required'] };
  if (isNamed(POSTGRES_WAL_SOURCE, wanted)) {
    const parsed = parseConfig(POSTGRES_WAL_SOURCE, raw, env);
    return finish(head, parsed, (config, common) => ({ kind: 'PostgresWalSource', ...common, config }));
  }
  if (isNamed(POSTGRES_TRIGGER_SOURCE, wanted)) {
    const parsed = parseConfig(POSTGRES_TRIGGER_SOURCE, raw, env);
    return finish(head, parsed, (config, common) => ({ kind: 'PostgresTriggerSource', ...common, config }));
  }
  if (isNamed(POSTGRES_QUERY_SOURCE, wanted)) {
    const parsed = parseConfig(POSTGRES_QUERY_SOURCE, raw, env);
    return finish(head, parsed, (config, common) => ({ kind: 'PostgresQuerySource', ...common, config }));
  }
  if (isNamed(POSTGRES_SINK, wanted)) {
    const parsed = parseConfig(POSTGRES_SINK, raw, env);
    return finish(head, parsed, (config, common) => ({ kind: 'PostgresSink', ...common, config }));
  }
  return { name, file, raw, problems: [unknownClass(wanted)] };
}

/** What a file has around its config. */
interface Shape {
  readonly name: string;
  readonly config: RawConfig;
  /** Keys beside `name` and `config` that mean nothing. */
  readonly beside: readonly string[];
}

function finish<C>(
  { name, file, raw, beside }: Pick<Shape, 'name' | 'beside'> & { readonly file: string; readonly raw: RawConfig },
  { config, problems, warnings, secrets }: ParsedConfig<C>,
  make: (config: C, common: Omit<ConnectorFile, 'kind' | 'config'>) => ConnectorFile,
): ReadFile {
  if (config === undefined) return { name, file, raw, problems };
  const told = [...beside.map((key) => `${key} has no effect beside config`), ...warnings];
  return { file, connector: make(config, { name, file, raw, warnings: told, secrets: [...new Set(secrets)] }) };
}

/** What Connect's own answers have beside a config, so that they can be stored as files. */
const BESIDE: ReadonlySet<string> = new Set(['$schema', 'name', 'config', 'tasks', 'type']);

/** `{"name", "config": {…}}`, or the config alone with its name inside or else the file's; a text says what is wrong. */
function readShape(file: string, json: string): Shape | string {
  const parsed = parseObject(json);
  if (typeof parsed === 'string') return parsed;
  const isWrapped = isJsonObject(parsed.config);
  const config = flatTexts(isJsonObject(parsed.config) ? parsed.config : parsed);
  if (typeof config === 'string') return config;
  const name = typeof parsed.name === 'string' ? parsed.name : (config.name ?? basename(file, '.json'));
  const beside = isWrapped ? Object.keys(parsed).filter((key) => !BESIDE.has(key)) : [];
  return { name, config, beside };
}

/** An object of texts, numbers and booleans as settings; a text says what is wrong. `$schema` is the editor's. */
export function flatTexts(object: JsonObject): RawConfig | string {
  const entries: [string, string][] = [];
  for (const [key, value] of Object.entries(object)) {
    if (key === '$schema') continue;
    if (typeof value === 'string') entries.push([key, value]);
    else if (typeof value === 'number' || typeof value === 'boolean') entries.push([key, String(value)]);
    else return `${key} must be a text: settings are flat`;
  }
  return Object.fromEntries(entries);
}

/** The object that a JSON text holds; a text says what is wrong, and quotes nothing. */
export function parseObject(json: string): JsonObject | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json.replace(/^\uFEFF/, ''));
  } catch (error) {
    // V8's message quotes the text around the error, which may be a password (Invariant 11): only the place is kept.
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec(describeError(error))?.[0];
    return `is not JSON${place === undefined ? '' : `: ${place}`}`;
  }
  return isJsonObject(parsed) ? parsed : 'must hold an object';
}
