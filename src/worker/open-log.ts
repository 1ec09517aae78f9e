import { join } from 'node:path';
import { openEmbeddedLog } from '../log/embedded/embedded-log.ts';
import type { Log } from '../log/log.ts';
import { ReopeningLog } from './reopening-log.ts';
import { serialLog } from './serial-log.ts';

/**
 * Opens the log in a state directory for everything in this process that uses it: publishes take turns, and it is opened again when
 * a failed write has broken it. Throws OperatorError when the directory cannot be used.
 */
export async function openStateLog(stateDirectory: string, signal?: AbortSignal): Promise<Log> {
  const options = signal === undefined ? {} : { signal };
  return serialLog(await ReopeningLog.open(() => openEmbeddedLog(join(stateDirectory, 'log'), options)));
}
