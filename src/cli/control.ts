import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../connector/reference.ts';
import { noConnector } from '../worker/operate/context.ts';
import type { ConnectorStateInfo } from '../worker/rest/connect-shapes.ts';
import { type OperatorFlags, operatorConfig } from './operator-options.ts';
import { type RunningDaemon, runningDaemon } from './running-daemon.ts';
import { stopSignal } from './stop-signal.ts';

export type Verb = 'pause' | 'resume' | 'stop' | 'restart';

export interface ControlOptions extends OperatorFlags {
  readonly json?: boolean;
}

const LOOK_MS = 200;
/** For so long a connector may be on its way to the state that was asked for. */
const PATIENCE_MS = 60_000;

const GOALS: Readonly<Record<Verb, string>> = {
  pause: 'PAUSED',
  resume: 'RUNNING',
  stop: 'STOPPED',
  restart: 'RUNNING',
};

/** Asks the daemon that runs, waits until the connector is in that state, and returns 0; 1 when it fails or takes too long. */
export async function runControl(verb: Verb, name: string, options: ControlOptions, env: Environment): Promise<number> {
  using stop = stopSignal();
  const daemon = await runningDaemon(operatorConfig(options, env), stop.signal);
  const known = (await daemon.read('/connectors')) as readonly string[];
  if (!known.includes(name)) throw noConnector(known, name);
  const path = `/connectors/${encodeURIComponent(name)}`;
  await daemon.change(verb === 'restart' ? 'POST' : 'PUT', `${path}/${verb}`);
  const status = await settled(daemon, `${path}/status`, GOALS[verb], stop.signal);
  const { state, trace } = status.connector;
  if (options.json === true) process.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`);
  else process.stdout.write(`${name} is ${state}${trace === undefined ? '' : `: ${trace}`}\n`);
  return state === GOALS[verb] ? 0 : 1;
}

/** The status once it is the goal, or will not become it. */
async function settled(
  daemon: RunningDaemon,
  path: string,
  goal: string,
  signal: AbortSignal,
): Promise<ConnectorStateInfo> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = (await daemon.read(path)) as ConnectorStateInfo;
    const { state } = status.connector;
    if (state === goal || state === 'FAILED' || performance.now() > end) return status;
    await sleep(LOOK_MS, undefined, { signal });
  }
}
