import { OperatorError } from '../errors.ts';
import { findDaemon, isServing } from '../worker/daemon-file.ts';
import { changeByDaemon, readDaemon } from '../worker/operate/daemon-client.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';

/** The daemon that runs on a state directory, asked by REST with its own credentials. Whatever is asked throws OperatorError when it has ended. */
export interface RunningDaemon {
  /** What it answers to a GET, also when it says of itself that it is not well (503). */
  read(path: string): Promise<unknown>;
  /** Has it change something; throws OperatorError with its word when it refuses. */
  change(method: 'PUT' | 'POST' | 'DELETE', path: string): Promise<void>;
}

/** Finds the daemon that runs. Throws OperatorError when none does, or it serves nothing. */
export async function runningDaemon(
  { stateDir, rest }: Pick<WorkerConfig, 'stateDir' | 'rest'>,
  signal: AbortSignal,
): Promise<RunningDaemon> {
  const daemon = await findDaemon(stateDir);
  if (daemon === undefined) throw nobody(stateDir);
  if (!isServing(daemon)) {
    throw new OperatorError(`The daemon of the state directory ${stateDir} (process ${daemon.pid}) listens nowhere`, {
      advice: 'Set listeners and start it again, or read its log.',
    });
  }
  return {
    async read(path) {
      const answer = await readDaemon(daemon, rest, path, signal);
      if (answer === undefined) throw nobody(stateDir);
      return answer;
    },
    async change(method, path) {
      if (!(await changeByDaemon(daemon, rest, method, path, signal))) throw nobody(stateDir);
    },
  };
}

function nobody(stateDir: string): OperatorError {
  return new OperatorError(`No daemon runs on the state directory ${stateDir}`, {
    advice: 'Start it with `rowcast start`, or name the state directory of the one that runs with --state.',
  });
}
