import { nearest } from '../connector/nearest.ts';
import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import { findDaemon } from '../worker/daemon-file.ts';
import { readDaemon } from '../worker/operate/daemon-client.ts';
import { type OperatorFlags, operatorConfig } from './operator-options.ts';
import { type ConnectorRow, rowsOf, statusTable } from './status-rows.ts';
import { stopSignal } from './stop-signal.ts';

export interface StatusOptions extends OperatorFlags {
  readonly json?: boolean;
}

/** Asks the daemon that runs on the state directory: 0 when all that is shown is well, 1 when not, 2 when there is no such connector. */
export async function runStatus(name: string | undefined, options: StatusOptions, env: Environment): Promise<number> {
  const { stateDir, rest } = operatorConfig(options, env);
  using stop = stopSignal();
  const url = await urlOf(stateDir);
  const read = async (path: string): Promise<unknown> => {
    const answer = await readDaemon(url, rest, path, stop.signal);
    if (answer === undefined) throw nobody(stateDir);
    return answer;
  };
  const all = rowsOf(await read('/connectors?expand=info&expand=status'), await read('/health'));
  const rows = name === undefined ? all : all.filter((row) => row.name === name);
  if (name !== undefined && rows.length === 0) {
    process.stderr.write(`${unknown(name, all)}\n`);
    return 2;
  }
  process.stdout.write(options.json ? `${JSON.stringify(rows, undefined, 2)}\n` : statusTable(rows, Date.now()));
  return rows.every(({ health }) => health === 'healthy' || health === 'degraded') ? 0 : 1;
}

async function urlOf(stateDir: string): Promise<string> {
  const daemon = await findDaemon(stateDir);
  if (daemon === undefined) throw nobody(stateDir);
  if (daemon.url !== undefined) return daemon.url;
  throw new OperatorError(`The daemon of the state directory ${stateDir} (process ${daemon.pid}) listens nowhere`, {
    advice: 'Set listeners and start it again, or read its log.',
  });
}

function nobody(stateDir: string): OperatorError {
  return new OperatorError(`No daemon runs on the state directory ${stateDir}`, {
    advice: 'Start it with `rowcast start`, or name the state directory of the one that runs with --state.',
  });
}

function unknown(name: string, rows: readonly ConnectorRow[]): string {
  const names = rows.map((row) => row.name);
  const guess = nearest(name, names);
  const hint = guess === undefined ? `there are: ${names.join(', ') || 'none'}` : `did you mean ${guess}?`;
  return `There is no connector "${name}"; ${hint}`;
}
