import { readFileSync } from 'node:fs';
import { configDef } from '../connector/config-def.ts';
import { CONNECTOR_CLASSES, connectorClass } from '../connector/connector-classes.ts';
import { readConnector, type ReadFile } from '../connector/connector-file.ts';
import { effectiveSettings, type EffectiveSetting } from '../connector/effective.ts';
import { connectorFileSchema } from '../connector/file-schema.ts';
import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import { explainWorkerConfig } from '../worker/load-worker-config.ts';
import { effectiveTable, settingsTable } from './config-tables.ts';
import { json, pageOf, schemaOf, type Subject, subjectNamed, workerSubject } from './reference.ts';

export interface ConfigFlags {
  readonly name: string | undefined;
  readonly file?: string;
  readonly json?: boolean;
  readonly schema?: boolean;
  readonly markdown?: boolean;
}

/** Prints what is asked for: 0, or 1 when a file is not valid. Throws OperatorError when there is no such class or file. */
export function runConfig(flags: ConfigFlags, env: Environment): number {
  if (flags.file !== undefined) return showFile(flags.file, flags, env);
  if (flags.name === undefined && flags.schema) print(json(connectorFileSchema()));
  else if (flags.name === undefined) print(flags.json ? json(subjects().map(summary)) : overview());
  else print(describe(subjectNamed(flags.name), flags));
  return 0;
}

function describe(subject: Subject, flags: ConfigFlags): string {
  if (flags.schema) return json(schemaOf(subject));
  if (flags.markdown) return pageOf(subject);
  if (flags.json) return json(configDef(subject.declaration, subject.alias));
  return settingsTable(subject);
}

function subjects(): readonly Subject[] {
  return [...CONNECTOR_CLASSES.map(({ name }) => subjectNamed(name)), workerSubject()];
}

function summary({ kind, declaration }: Subject): object {
  const { name, doc, aliases } = declaration;
  return { name, kind, doc, aliases: Object.keys(aliases) };
}

function overview(): string {
  const lines = subjects().flatMap(({ declaration: { name, doc, aliases } }) => [
    name,
    `  ${doc}`,
    ...Object.keys(aliases).map((alias) => `  also: ${alias}, with its own defaults`),
    '',
  ]);
  return `${lines.join('\n')}\n"rowcast config NAME" shows the settings of one.\n`;
}

/** What a file amounts to, right or wrong. */
interface Explained {
  readonly name: string;
  readonly class: string;
  readonly settings: readonly EffectiveSetting[];
  /** Where a setting was said, when that is not the file. */
  readonly places: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

function showFile(file: string, flags: ConfigFlags, env: Environment): number {
  const subject = flags.name === undefined ? undefined : subjectNamed(flags.name);
  const explained = subject?.kind === 'worker' ? explainWorker(file, env) : explainConnector(file, env);
  const { places, ...shown } = explained;
  print(flags.json ? json(shown) : effectiveTable(file, shown, places));
  if (!flags.json) for (const problem of explained.problems) process.stderr.write(`${problem}\n`);
  return explained.problems.length > 0 ? 1 : 0;
}

function explainConnector(file: string, env: Environment): Explained {
  const read = readConnector(file, textOf(file), env);
  const nowhere = new Map<string, string>();
  if ('connector' in read) {
    const { name, raw, warnings } = read.connector;
    return { name, class: classOf(raw), settings: settings(raw), places: nowhere, warnings, problems: [] };
  }
  return { ...invalid(read), places: nowhere };
}

function invalid({
  file,
  name = '',
  raw = {},
  problems,
}: Exclude<ReadFile, { connector: unknown }>): Omit<Explained, 'places'> {
  const located = problems.map((problem) => `${file}: ${problem}`);
  return { name, class: classOf(raw), settings: settings(raw), warnings: [], problems: located };
}

function explainWorker(file: string, env: Environment): Explained {
  const { raw, places, warnings, problems } = explainWorkerConfig({ file, env, flags: {} });
  const shown = effectiveSettings(workerSubject().declaration, raw);
  return { name: 'worker', class: 'worker', settings: shown, places, warnings, problems };
}

function classOf(raw: Readonly<Record<string, string>>): string {
  return raw['connector.class'] ?? '';
}

function settings(raw: Readonly<Record<string, string>>): readonly EffectiveSetting[] {
  const declaration = connectorClass(classOf(raw));
  return declaration === undefined ? [] : effectiveSettings(declaration, raw);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new OperatorError(`${file} cannot be read`, { cause, advice: 'Name a connector file.' });
  }
}

function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}
