import { parseConnectionUrl } from '../connector/connection-url.ts';
import { isSource, secretsOf } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { describeError, OperatorError, TransientError } from '../errors.ts';
import { createRedactor } from '../observe/redaction.ts';
import { connectorOf } from '../worker/operate/context.ts';
import type { Recommendation } from '../worker/preflight/judge-capture.ts';
import { type Capturable, capturableOf, everythingIn, recommend } from '../worker/preflight/recommend.ts';
import { type OperatorFlags, operatorConfig, validConnectors } from './operator-options.ts';
import { renderRecommendation } from './recommend-report.ts';
import { stopSignal } from './stop-signal.ts';

export interface RecommendOptions extends OperatorFlags {
  /** Names of connectors, or URLs of databases; none: every source of the directory. */
  readonly names: readonly string[];
  readonly json?: boolean;
}

/** A database that is to be captured, what to call it, and what must not be printed. */
interface Asked {
  readonly title: string;
  readonly capturable: Capturable;
  readonly secrets: readonly string[];
}

/**
 * Recommends a way of capture for each database and says why; changes nothing. Returns the exit code: 0, 1 when none works for one of them, 3 when one
 * cannot be looked at.
 */
export async function runRecommend(options: RecommendOptions, env: Environment): Promise<number> {
  using stop = stopSignal();
  const told: (Partial<Recommendation> & { readonly database: string; readonly error?: string })[] = [];
  for (const { title, capturable, secrets } of askedFor(options, env)) {
    const redactor = createRedactor();
    redactor.add(secrets);
    try {
      const found = await recommend(capturable, stop.signal);
      told.push({ database: title, ...found });
      if (options.json !== true) process.stdout.write(redactor.redact(renderRecommendation(title, found)));
    } catch (error) {
      if (!(error instanceof OperatorError || error instanceof TransientError)) throw error;
      const message = redactor.redact(describeError(error));
      told.push({ database: title, error: message });
      if (options.json !== true) process.stdout.write(`${title}: cannot be looked at: ${message}\n`);
    }
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  if (told.some(({ error }) => error !== undefined)) return 3;
  return told.some(({ mode }) => mode === undefined) ? 1 : 0;
}

function askedFor(options: RecommendOptions, env: Environment): readonly Asked[] {
  const urls = options.names.filter(isUrl).map((url) => ofUrl(url, env));
  const names = options.names.filter((name) => !isUrl(name));
  if (names.length === 0 && urls.length > 0) return urls;
  const connectors = validConnectors(operatorConfig(options, env).connectorsDir, env);
  const wanted =
    names.length === 0 ? connectors.filter(isSource) : names.map((name) => connectorOf({ connectors }, name));
  const sources = wanted.filter(isSource);
  if (sources.length === 0) {
    throw new OperatorError('None of the connectors is a source', {
      advice: 'Name one that captures, or the URL of a database: postgres://user@host:5432/database',
    });
  }
  const asked = sources.map((connector) => ({
    title: connector.name,
    capturable: capturableOf(connector),
    secrets: secretsOf(connector),
  }));
  return [...asked, ...urls];
}

function isUrl(name: string): boolean {
  return /^(jdbc:)?postgres(ql)?:/.test(name);
}

/** The password may come from PGPASSWORD: what stands on a command line is seen by every user of the machine. */
function ofUrl(url: string, env: Environment): Asked {
  const { warnings = [], user = env.PGUSER ?? '', password = env.PGPASSWORD, ...where } = parsed(url);
  for (const warning of warnings) process.stderr.write(`The URL ${warning}\n`);
  const connection = { ...where, user, ...(password !== undefined && { password }) };
  const title = `database ${where.database} at ${where.host}:${where.port}`;
  return { title, capturable: everythingIn(connection), secrets: password === undefined ? [] : [password] };
}

function parsed(url: string): ReturnType<typeof parseConnectionUrl> {
  try {
    return parseConnectionUrl(url);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    throw new OperatorError(`The URL ${error.message}`);
  }
}
