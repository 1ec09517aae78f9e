import { setTimeout as sleep } from 'node:timers/promises';
import { nearest } from '../connector/nearest.ts';
import type { Environment } from '../connector/reference.ts';
import { type OperatorFlags, operatorConfig } from './operator-options.ts';
import { type RunningDaemon, runningDaemon } from './running-daemon.ts';
import { type ConnectorRow, rowsOf, statusTable } from './status-rows.ts';
import { stopSignal } from './stop-signal.ts';

export interface StatusOptions extends OperatorFlags {
  readonly json?: boolean;
  /** Seconds between two looks. */
  readonly watch?: number;
}

const CLEAR = '\u001b[H\u001b[2J';

/**
 * Asks the daemon that runs on the state directory: 0 when all that is shown is well, 1 when not, 2 when there is no such connector. With `watch`
 * it shows that again and again, until it is told to stop.
 */
export async function runStatus(name: string | undefined, options: StatusOptions, env: Environment): Promise<number> {
  const config = operatorConfig(options, env);
  using stop = stopSignal();
  const daemon = await runningDaemon(config, stop.signal);
  for (;;) {
    const { text, code } = await look(daemon, name, options.json === true);
    if (options.watch === undefined || code === 2) {
      (code === 2 ? process.stderr : process.stdout).write(text);
      return code;
    }
    process.stdout.write(process.stdout.isTTY ? `${CLEAR}${text}` : text);
    await sleep(options.watch * 1_000, undefined, { signal: stop.signal }).catch(() => undefined);
    if (stop.signal.aborted) return code;
  }
}

async function look(
  daemon: RunningDaemon,
  name: string | undefined,
  isJson: boolean,
): Promise<{ readonly text: string; readonly code: number }> {
  const all = rowsOf(await daemon.read('/connectors?expand=info&expand=status'), await daemon.read('/health'));
  const rows = name === undefined ? all : all.filter((row) => row.name === name);
  if (name !== undefined && rows.length === 0) return { text: `${unknown(name, all)}\n`, code: 2 };
  const isWell = rows.every(({ health }) => health === 'healthy' || health === 'degraded');
  const text = isJson ? `${JSON.stringify(rows, undefined, 2)}\n` : statusTable(rows, Date.now());
  return { text, code: isWell ? 0 : 1 };
}

function unknown(name: string, rows: readonly ConnectorRow[]): string {
  const names = rows.map((row) => row.name);
  const guess = nearest(name, names);
  const hint = guess === undefined ? `there are: ${names.join(', ') || 'none'}` : `did you mean ${guess}?`;
  return `There is no connector "${name}"; ${hint}`;
}
