import { readFileSync } from 'node:fs';
import { currentName } from '../connector/connector-class.ts';
import { flatTexts, parseObject } from '../connector/connector-file.ts';
import { nearest } from '../connector/nearest.ts';
import { knownKeys } from '../connector/known-keys.ts';
import { type ParsedConfig, parseConfig } from '../connector/parse-config.ts';
import { parseProperties } from '../connector/properties.ts';
import { type RawConfig, settingsOf } from '../connector/read-settings.ts';
import type { Environment } from '../connector/reference.ts';
import type { Setting } from '../connector/setting.ts';
import { OperatorError } from '../errors.ts';
import type { WorkerConfig } from './worker-config.ts';
import { WORKER_SETTINGS } from './worker-settings.ts';

/** The daemon's configuration and what is to be said of it. */
export interface LoadedWorkerConfig {
  readonly config: WorkerConfig;
  readonly warnings: readonly string[];
  /** What must never be printed; references are resolved. */
  readonly secrets: readonly string[];
}

export interface WorkerConfigSources {
  /** `.properties`, as Java has it, or `.json`. */
  readonly file?: string | undefined;
  /** `ROWCAST_BOOTSTRAP_SERVERS` is bootstrap.servers, and so on; references look here too. */
  readonly env: Environment;
  /** What the command line says, by key. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

const VARIABLE = 'ROWCAST_';
/** What a test sets, and what Kubernetes sets in every container when there is a service named rowcast. */
const NOT_SETTINGS = /^ROWCAST_(FAILPOINT|SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_\d+_.*)$/;

/**
 * Reads the daemon's configuration: flags win over variables, these over the file, and all over defaults. Throws one OperatorError that
 * lists all problems, each with the place where its setting was said; never the value of a secret.
 */
export function loadWorkerConfig(sources: WorkerConfigSources): LoadedWorkerConfig {
  const { config, problems, warnings, secrets } = explainWorkerConfig(sources);
  if (config !== undefined) return { config, warnings, secrets };
  throw new OperatorError(problems.join('\n'), {
    advice: 'Correct the settings and start again; "rowcast config worker" lists them.',
  });
}

/** What all sources say together, right or wrong. */
export interface ExplainedWorkerConfig extends ParsedConfig<WorkerConfig> {
  /** As said, references unresolved: never shown unmasked. */
  readonly raw: RawConfig;
  /** Where each key was said. */
  readonly places: ReadonlyMap<string, string>;
}

/** As `loadWorkerConfig`, with the problems in the answer. Throws OperatorError when the file cannot be read. */
export function explainWorkerConfig(sources: WorkerConfigSources): ExplainedWorkerConfig {
  const { raw, places, warnings } = gather(sources);
  const parsed = parseConfig(WORKER_SETTINGS, raw, sources.env);
  const located = (message: string): string => {
    const place = places.get(message.split(/[ ,]/, 1)[0] as string);
    return place === undefined ? message : `${place}: ${message}`;
  };
  const all = [...warnings, ...parsed.warnings.map(located)];
  return { ...parsed, raw, places, problems: parsed.problems.map(located), warnings: all };
}

/** A flag of the command line for every setting that may stand there; secrets may not. */
export interface WorkerFlag {
  /** `--bootstrap-servers <value>` */
  readonly flag: string;
  readonly key: string;
  readonly doc: string;
  readonly default: string | undefined;
}

/** Every setting of the worker that is no secret, as a flag: `--connectors` and `--state` leave out `-dir`. */
export function workerFlags(): readonly WorkerFlag[] {
  return settingsOf(WORKER_SETTINGS).flatMap(([, setting]) => {
    if (setting.type === 'PASSWORD') return [];
    const { key, doc } = setting;
    const name = SHORT_FLAGS[key] ?? key.replaceAll('.', '-');
    return [
      {
        flag: `--${name} <${setting.type === 'BOOLEAN' ? 'true|false' : 'value'}>`,
        key,
        doc,
        default: setting.default,
      },
    ];
  });
}

const SHORT_FLAGS: Readonly<Record<string, string>> = {
  'connectors.dir': 'connectors',
  'state.dir': 'state',
  'worker.threads': 'threads',
};

interface Gathered {
  readonly raw: RawConfig;
  /** Where each key was said last. */
  readonly places: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

function gather({ file, env, flags }: WorkerConfigSources): Gathered {
  const raw: Record<string, string> = {};
  const places = new Map<string, string>();
  const warnings: string[] = [];
  const say = (key: string, value: string, place: string): void => {
    const now = currentName(key, WORKER_SETTINGS);
    // A key that is said again under another name is said again: the later place wins, whatever the name.
    for (const other of Object.keys(raw)) {
      if (place !== places.get(other) && currentName(other, WORKER_SETTINGS) === now) delete raw[other];
    }
    raw[key] = value;
    places.set(key, place).set(now, place);
  };
  if (file !== undefined) for (const [key, value] of readWorkerFile(file)) say(key, value, file);
  const keys = new Map(knownKeys(WORKER_SETTINGS).map((key) => [variableOf(key), key]));
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith(VARIABLE) || NOT_SETTINGS.test(name)) continue;
    const key = keys.get(name);
    if (key === undefined) warnings.push(unknownVariable(name, keys.keys()));
    else if (value !== '' || takesEmpty(key)) say(key, value, name);
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) say(key, value, 'command line');
  return { raw, places, warnings };
}

function variableOf(key: string): string {
  return `${VARIABLE}${key.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** An empty variable says nothing (compose files set them), except where empty means something. */
function takesEmpty(key: string): boolean {
  const [, setting] = settingsOf(WORKER_SETTINGS).find(([, each]) => each.key === key) ?? [];
  return (
    setting !== undefined &&
    setting.type !== 'PASSWORD' &&
    setting.choices === undefined &&
    setting.default !== undefined &&
    isRight(setting)
  );
}

function isRight({ parse }: Setting<unknown>): boolean {
  try {
    parse('');
    return true;
  } catch (error) {
    if (error instanceof OperatorError) return false;
    throw error;
  }
}

function unknownVariable(name: string, known: Iterable<string>): string {
  const guess = nearest(name, known);
  return `${name} is not a known variable${guess === undefined ? '' : `; did you mean ${guess}?`}`;
}

function readWorkerFile(file: string): Iterable<readonly [string, string]> {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new OperatorError(`Worker file ${file} cannot be read`, { cause, advice: 'Name a file that exists.' });
  }
  if (!file.endsWith('.json')) return parseProperties(content);
  const object = parseObject(content);
  const flat = typeof object === 'string' ? object : flatTexts(object);
  if (typeof flat === 'string') throw new OperatorError(`${file}: ${flat}`, { advice: 'Correct the file.' });
  return Object.entries(flat);
}
