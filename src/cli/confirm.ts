import { createInterface } from 'node:readline/promises';
import { OperatorError } from '../errors.ts';

/**
 * Says on standard error what is about to be done, and goes on when `--yes` was given or a person at a terminal agrees. Throws OperatorError
 * otherwise: nothing was done.
 */
export async function confirm(lines: readonly string[], yes: boolean, signal: AbortSignal): Promise<void> {
  for (const line of lines) process.stderr.write(`${line}\n`);
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new OperatorError('Nothing was done: this has to be confirmed', { advice: 'Add --yes.' });
  }
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await questions.question('Type yes to go on: ', { signal });
    if (answer.trim() !== 'yes') throw new OperatorError('Nothing was done');
  } finally {
    questions.close();
  }
}
