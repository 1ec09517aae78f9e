import { OperatorError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Folder } from './folder.ts';
import type { ProblemLog } from './problem-log.ts';
import { NOTHING_WANTED, type Wanted, wantedNow } from './wanted.ts';

/**
 * What is to run at the start. Files that cannot be used are told, and the others go on; OperatorError when that leaves none. A directory
 * without any file is an error too, unless files may still come.
 */
export function firstLook(folder: Folder, isWatched: boolean, problems: ProblemLog, logger: Logger): Wanted {
  const wanted = wantedNow(NOTHING_WANTED, folder.look(performance.now()).files);
  const { directory } = folder;
  if (wanted.connectors.size > 0) {
    problems.tellNow(wanted.invalid);
    return wanted;
  }
  if (wanted.invalid.length > 0) {
    const lines = wanted.invalid.flatMap(({ file, problems: all }) => all.map((problem) => `${file}: ${problem}`));
    throw new OperatorError(lines.join('\n'), { advice: 'Correct the files and start again.' });
  }
  const advice = 'Put a file with {"name", "config"} there; its name ends in .json.';
  if (!isWatched) throw new OperatorError(`${directory} has no connector files`, { advice });
  logger.warn('no connector files yet, waiting for some', { directory, advice });
  return wanted;
}
