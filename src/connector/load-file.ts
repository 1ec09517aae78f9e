import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { readRegularFile } from '../regular-file.ts';
import { type ConnectorFile, isSource, type ReadFile, readConnector } from './connector-file.ts';
import type { Environment } from './reference.ts';

export { type ConnectorFile, isSource, type ReadFile, secretsOf, type SourceConnector } from './connector-file.ts';

/** Connector files have a few KB; what is that much larger is none. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads every `.json` file of the directory, by name; one that is wrong does not hide the others. What two files cannot both have
 * (a name, a topic.prefix, a slot) is a problem of the later one. Throws OperatorError when the directory cannot be read.
 */
export function readConnectorFiles(directory: string, env: Environment): readonly ReadFile[] {
  return besideEachOther(readEachFile(directory, env));
}

/** The same for files and directories that are named. Throws OperatorError when one of them cannot be read. */
export function readConnectorPaths(paths: readonly string[], env: Environment): readonly ReadFile[] {
  const reads = paths.flatMap((path) => {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return readEachFile(path, env);
    const read = readFile(path, env);
    if (read !== undefined) return read;
    throw new OperatorError(`${path} does not exist`, { advice: 'Name connector files, or directories of them.' });
  });
  return besideEachOther(reads);
}

function besideEachOther(reads: readonly ReadFile[]): readonly ReadFile[] {
  const files: ReadFile[] = [];
  for (const read of reads) files.push('connector' in read ? judged(read.connector, files) : read);
  return files;
}

/** The same, each file judged by itself: for one who knows which of two files comes first. */
export function readEachFile(directory: string, env: Environment): readonly ReadFile[] {
  return jsonFiles(directory).flatMap((name) => readFile(join(directory, name), env) ?? []);
}

/**
 * The connectors of the directory, all of them valid. Throws one OperatorError that lists all problems of all files, or says that there is
 * no file.
 */
export function loadConnectors(directory: string, env: Environment): readonly ConnectorFile[] {
  const files = readConnectorFiles(directory, env);
  if (files.length === 0) {
    throw new OperatorError(`${directory} has no connector files`, {
      advice: 'Put a file with {"name", "config"} there.',
    });
  }
  const problems = files.flatMap((read) => ('problems' in read ? lines(read.file, read.problems) : []));
  if (problems.length > 0)
    throw new OperatorError(problems.join('\n'), { advice: 'Correct the files and start again.' });
  return files.flatMap((read) => ('connector' in read ? [read.connector] : []));
}

function lines(file: string, problems: readonly string[]): readonly string[] {
  return problems.map((problem) => `${file}: ${problem}`);
}

function jsonFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .sort();
  } catch (cause) {
    throw new OperatorError(`${directory} cannot be read`, { cause, advice: 'Name a directory with connector files.' });
  }
}

/** Undefined when the file is gone since the directory was read. */
function readFile(path: string, env: Environment): ReadFile | undefined {
  let json: string;
  try {
    json = readRegularFile(path, MAX_FILE_BYTES).toString('utf8');
  } catch (error) {
    if (error instanceof OperatorError) return { file: path, problems: [error.message] };
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return code === 'ENOENT' ? undefined : { file: path, problems: [`cannot be read: ${code}`] };
  }
  return readConnector(path, json, env);
}

/** The connector, or what it cannot have because an earlier file has it. */
function judged(connector: ConnectorFile, earlier: readonly ReadFile[]): ReadFile {
  const { name, file, raw } = connector;
  const problems: string[] = [];
  for (const read of earlier) {
    if ('connector' in read) problems.push(...clashes(connector, read.connector));
  }
  return problems.length === 0 ? { file, connector } : { file, name, raw, problems };
}

/** What a connector cannot have because another one has it; empty when they can run side by side. */
export function clashes(connector: ConnectorFile, other: ConnectorFile): readonly string[] {
  const problems: string[] = [];
  if (connector.name === other.name) {
    problems.push(`${other.file} already has the name "${other.name}"; give one of the two another name`);
  }
  if (!isSource(connector) || !isSource(other)) return problems;
  const { topicPrefix } = connector.config;
  if (topicPrefix === other.config.topicPrefix) {
    problems.push(`topic.prefix "${topicPrefix}" is already the one of ${other.file}: two sources cannot share it`);
  }
  problems.push(...triggerClashes(connector, other));
  if (connector.kind !== 'PostgresWalSource' || other.kind !== 'PostgresWalSource') return problems;
  const [mine, theirs] = [connector.config, other.config];
  const isOneServer = mine.hostname.toLowerCase() === theirs.hostname.toLowerCase() && mine.port === theirs.port;
  if (isOneServer && mine.slot === theirs.slot) {
    problems.push(
      `slot.name "${mine.slot}" is already the one of ${other.file} on the same server: give one another slot`,
    );
  }
  return problems;
}

/** Events are consumed: each can have one reader. */
function triggerClashes(connector: ConnectorFile, other: ConnectorFile): readonly string[] {
  if (connector.kind !== 'PostgresTriggerSource' || other.kind !== 'PostgresTriggerSource') return [];
  const [mine, theirs] = [connector.config, other.config];
  const isOneDatabase =
    mine.hostname.toLowerCase() === theirs.hostname.toLowerCase() &&
    mine.port === theirs.port &&
    mine.database === theirs.database;
  if (!isOneDatabase || mine.triggerName !== theirs.triggerName) return [];
  return [
    `trigger.name "${mine.triggerName}" is already the one of ${other.file} in the same database: give one another name`,
  ];
}
