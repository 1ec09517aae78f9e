import { describeError, OperatorError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ConnectorSet } from './connector-set.ts';
import { DirectoryWatch } from './directory-watch.ts';
import type { Folder } from './folder.ts';
import type { ProblemLog } from './problem-log.ts';
import { wantedNow } from './wanted.ts';

/** Without notice (network mounts, secrets in other directories) changes are found within this time. */
const LOOK_EVERY_MS = 2000;

export interface Followed {
  readonly folder: Folder;
  readonly set: ConnectorSet;
  readonly problems: ProblemLog;
  readonly logger: Logger;
}

/** Lets the connectors follow their files until `signal` aborts. While the directory cannot be read, everything runs on. */
export async function followFolder(followed: Followed, signal: AbortSignal): Promise<void> {
  const { folder, logger } = followed;
  using watch = new DirectoryWatch(folder.directory);
  let isUnreadable = false;
  for (let waitMs = 0; ; ) {
    await watch.next(waitMs, signal);
    if (signal.aborted) return;
    try {
      waitMs = lookAndApply(followed);
      if (isUnreadable) logger.info('directory of connector files can be read again', { directory: folder.directory });
      isUnreadable = false;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const advice = 'All connectors run on as they are. Make it readable again.';
      if (!isUnreadable) logger.warn('connector files cannot be read', { message: describeError(error), advice });
      isUnreadable = true;
      waitMs = LOOK_EVERY_MS;
    }
  }
}

/** Brings what runs to what the files say now; returns after how many milliseconds to look again. OperatorError when they cannot be read. */
export function lookAndApply({ folder, set, problems }: Followed): number {
  const now = performance.now();
  const look = folder.look(now);
  const wanted = wantedNow(set.wanted, look.files);
  set.apply(wanted, look.touched);
  const tellMs = problems.tell(wanted.invalid, (name) => wanted.connectors.has(name), now);
  return Math.min(look.againMs ?? LOOK_EVERY_MS, tellMs ?? LOOK_EVERY_MS);
}
