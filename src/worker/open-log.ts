import { join } from 'node:path';
import { openEmbeddedLog } from '../log/embedded/embedded-log.ts';
import type { Log } from '../log/log.ts';
import { ReopeningLog } from './reopening-log.ts';
import { serialLog } from './serial-log.ts';

/** The embedded log of a daemon, for everything in this process. */
export interface StateLog extends Log {
  /** A reader that is gone for good holds nothing back any more. */
  forget(reader: string, signal: AbortSignal): Promise<void>;
  /** Who holds something back. */
  readonly readers: readonly string[];
}

/**
 * Opens the log in a state directory for everything in this process that uses it: publishes take turns, and it is opened again when
 * a failed write has broken it. Throws OperatorError when the directory cannot be used.
 */
export async function openStateLog(stateDirectory: string, signal?: AbortSignal): Promise<StateLog> {
  const options = signal === undefined ? {} : { signal };
  const log = await ReopeningLog.open(() => openEmbeddedLog(join(stateDirectory, 'log'), options));
  return {
    ...serialLog(log),
    forget: (reader, abort) => log.forget(reader, abort),
    get readers() {
      return log.readers;
    },
  };
}
