import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describeError, OperatorError } from '../errors.ts';
import type { ConnectorClass } from './connector-class.ts';
import { nearest } from './nearest.ts';
import { type ParsedConfig, parseConfig, type RawConfig } from './parse-config.ts';
import { POSTGRES_SINK, type PostgresSinkConfig } from './postgres-sink.ts';
import { POSTGRES_WAL_SOURCE, type PostgresWalConfig } from './postgres-wal-source.ts';
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
} & (
  | { readonly kind: 'PostgresWalSource'; readonly config: PostgresWalConfig }
  | { readonly kind: 'PostgresSink'; readonly config: PostgresSinkConfig }
);

type Read = { readonly connector: ConnectorFile } | { readonly problems: readonly string[] };

/**
 * Reads every `.json` file of the directory, by name. Throws one OperatorError that lists all problems of all files; a name
 * that two files give to their connector is one of them.
 */
export function loadConnectors(directory: string, env: Environment): readonly ConnectorFile[] {
  const connectors: ConnectorFile[] = [];
  const problems: string[] = [];
  for (const file of jsonFiles(directory)) {
    const read = readFile(join(directory, file), env);
    if ('problems' in read) problems.push(...read.problems.map((problem) => `${join(directory, file)}: ${problem}`));
    else connectors.push(read.connector);
  }
  for (const { name, file } of connectors) {
    const first = connectors.find((each) => each.name === name);
    if (first && first.file !== file) problems.push(`${file}: ${first.file} already has the name "${name}"`);
  }
  if (problems.length > 0)
    throw new OperatorError(problems.join('\n'), { advice: 'Correct the files and start again.' });
  return connectors;
}

/** Reads one connector from the text of its file. Throws an OperatorError that lists all its problems. */
export function parseConnector(file: string, json: string, env: Environment): ConnectorFile {
  const read = readText(file, json, env);
  if ('connector' in read) return read.connector;
  throw new OperatorError(read.problems.map((problem) => `${file}: ${problem}`).join('\n'));
}

function jsonFiles(directory: string): readonly string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (cause) {
    throw new OperatorError(`${directory} cannot be read`, { cause, advice: 'Name a directory with connector files.' });
  }
  const files = names.filter((name) => name.endsWith('.json')).sort();
  if (files.length > 0) return files;
  throw new OperatorError(`${directory} has no connector files`, {
    advice: 'Put a file with {"name", "config"} there.',
  });
}

function readFile(path: string, env: Environment): Read {
  try {
    return readText(path, readFileSync(path, 'utf8'), env);
  } catch (cause) {
    return { problems: [`cannot be read: ${describeError(cause)}`] };
  }
}

function readText(file: string, json: string, env: Environment): Read {
  const shape = rawConnector(file, json);
  if (typeof shape === 'string') return { problems: [shape] };
  const { name, config } = shape;
  const wanted = config['connector.class'];
  if (wanted === undefined) return { problems: ['connector.class is required'] };
  if (means(POSTGRES_WAL_SOURCE, wanted)) {
    return result(parseConfig(POSTGRES_WAL_SOURCE, config, env), (parsed, warnings) => {
      return { kind: 'PostgresWalSource', name, file, raw: config, warnings, config: parsed };
    });
  }
  if (means(POSTGRES_SINK, wanted)) {
    return result(parseConfig(POSTGRES_SINK, config, env), (parsed, warnings) => {
      return { kind: 'PostgresSink', name, file, raw: config, warnings, config: parsed };
    });
  }
  return { problems: [unknownClass(wanted)] };
}

function result<T>(parsed: ParsedConfig<T>, make: (config: T, warnings: readonly string[]) => ConnectorFile): Read {
  if (parsed.config === undefined) return { problems: parsed.problems };
  return { connector: make(parsed.config, parsed.warnings) };
}

function means<T>(connector: ConnectorClass<T>, wanted: string): boolean {
  return wanted === connector.name || Object.hasOwn(connector.aliases, wanted);
}

function unknownClass(wanted: string): string {
  const known = [POSTGRES_WAL_SOURCE, POSTGRES_SINK].flatMap((each) => [each.name, ...Object.keys(each.aliases)]);
  const guess = nearest(wanted, known);
  return `connector.class ${wanted} is not known${guess === undefined ? `; known are ${known.join(', ')}` : `; did you mean ${guess}?`}`;
}

/** `{"name", "config": {…}}`, or the config alone with its name inside or else the file's; a text says what is wrong. */
function rawConnector(file: string, json: string): { readonly name: string; readonly config: RawConfig } | string {
  const parsed = parseJson(json);
  if (typeof parsed === 'string') return parsed;
  const flat = isObject(parsed.config) ? parsed.config : parsed;
  const config: Record<string, string> = {};
  for (const [key, value] of Object.entries(flat)) {
    if (typeof value === 'string') config[key] = value;
    else if (typeof value === 'number' || typeof value === 'boolean') config[key] = String(value);
    else return `${key} must be a text: settings are flat`;
  }
  const name = typeof parsed.name === 'string' ? parsed.name : (config.name ?? basename(file, '.json'));
  if (!/^[^\s/]{1,100}$/.test(name)) return 'name must have neither blanks nor slashes, and at most 100 characters';
  return { name, config };
}

function parseJson(json: string): Readonly<Record<string, unknown>> | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    // V8's message quotes the text around the error, which may be a password (Invariant 11): only the place is kept.
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec(describeError(error))?.[0];
    return `is not JSON${place === undefined ? '' : `: ${place}`}`;
  }
  return isObject(parsed) ? parsed : 'must hold an object';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
