import { nearest } from '../connector/nearest.ts';
import { type ReadFile, readConnectorFiles, secretsOf } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { describeError, OperatorError } from '../errors.ts';
import { createRedactor } from '../observe/redaction.ts';
import { type LoadedWorkerConfig, loadWorkerConfig } from '../worker/load-worker-config.ts';
import { type ConnectorFinding, preflight } from '../worker/preflight.ts';
import { exitCodeOf, renderFindings } from './check-report.ts';
import { stopSignal } from './stop-signal.ts';

/** What the command line says; absent values are the settings' own. */
export interface CheckOptions {
  readonly names: readonly string[];
  readonly config?: string;
  readonly connectors?: string;
  readonly state?: string;
  readonly bootstrapServers?: string;
  readonly listeners?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** Looks at everything, prints what was found, and returns the exit code: 0 no problem, 1 problems, 2 usage, 3 not all was looked at. */
export async function runCheck(options: CheckOptions, env: Environment): Promise<number> {
  const found: ConnectorFinding[] = [];
  const loaded = loadWorker(options, env, found);
  const directory = loaded?.config.connectorsDir ?? options.connectors ?? 'connectors';
  const files = readFiles(directory, env, found);
  const strange = files && unknownName(options.names, files);
  if (strange !== undefined) {
    process.stderr.write(`${strange}\n`);
    return 2;
  }
  using stop = stopSignal();
  const config = loaded?.config;
  found.push(...(await preflight({ config, files: files ?? [], names: options.names }, stop.signal)));
  if (config === undefined) {
    const message = "The log, the port and the registry could not be looked at: the daemon's settings are not valid.";
    found.push({ connector: undefined, level: 'unknown', check: 'settings', object: 'daemon', message });
  }
  // Messages quote servers and libraries; what mends is all our own, and must stay as it can be pasted.
  const redactor = createRedactor();
  redactor.add([
    ...(loaded?.secrets ?? []),
    ...(files ?? []).flatMap((read) => ('connector' in read ? secretsOf(read.connector) : [])),
  ]);
  const shown = found.map((finding) => ({ ...finding, message: redactor.redact(finding.message) }));
  process.stdout.write(
    options.json ? `${JSON.stringify(shown, null, 2)}\n` : renderFindings(shown, options.verbose === true),
  );
  return exitCodeOf(found);
}

/** Undefined when the settings are not valid: then each of their problems is a finding. */
function loadWorker(
  options: CheckOptions,
  env: Environment,
  found: ConnectorFinding[],
): LoadedWorkerConfig | undefined {
  const flags = {
    'connectors.dir': options.connectors,
    'state.dir': options.state,
    'bootstrap.servers': options.bootstrapServers,
    listeners: options.listeners,
  };
  const head = {
    connector: undefined,
    check: 'settings',
    object: options.config ? `file ${options.config}` : 'daemon',
  };
  try {
    const loaded = loadWorkerConfig({ file: options.config, env, flags });
    for (const message of loaded.warnings) found.push({ ...head, level: 'warning', message });
    return loaded;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    for (const message of describeError(error).split('\n')) found.push({ ...head, level: 'problem', message });
    return undefined;
  }
}

function readFiles(directory: string, env: Environment, found: ConnectorFinding[]): readonly ReadFile[] | undefined {
  const head = { connector: undefined, level: 'problem', check: 'file', object: `directory ${directory}` } as const;
  try {
    const files = readConnectorFiles(directory, env);
    if (files.length === 0) {
      const fix = `Put a file with {"name": …, "config": {"connector.class": "PostgresWalSource", …}} there, or name another directory with --connectors.`;
      found.push({ ...head, message: 'It has no connector files.', fix });
    }
    return files;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    found.push({
      ...head,
      message: `${describeError(error)}.`,
      fix: 'Name the directory of the connector files with --connectors.',
    });
    return undefined;
  }
}

/** What is wrong with the names that were asked for. */
function unknownName(names: readonly string[], files: readonly ReadFile[]): string | undefined {
  const known = files.map((read) => ('connector' in read ? read.connector.name : (read.name ?? read.file)));
  const strange = names.find((name) => !known.includes(name));
  if (strange === undefined) return undefined;
  const guess = nearest(strange, known);
  return `There is no connector "${strange}"${guess === undefined ? `; there are: ${known.join(', ')}` : `; did you mean ${guess}?`}`;
}
