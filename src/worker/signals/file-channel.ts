import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { SignalTarget } from '../../change/signal.ts';
import { OperatorError } from '../../errors.ts';
import { rawSignal } from './kafka-channel.ts';
import { type ChannelParts, untilHeard } from './until-heard.ts';

/** No file of signals is larger (bytes). */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Carries out the lines of a file, one after the other, and takes each out of it. What is written meanwhile goes into a new file of that name: the
 * old one stands beside it, as `<file>.taken`, until it is done. A kill between the carrying out and the taking out carries a line out twice.
 */
export async function listenToFile(
  file: string,
  target: SignalTarget,
  parts: ChannelParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (let line = await firstLine(file); line !== undefined; line = await firstLine(file)) {
        if (line.text.trim() !== '') await untilHeard(rawSignal(line.text, placeOf(line.text)), target, parts, signal);
        await keep(file, line.rest);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof OperatorError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
      parts.unreadable(error);
    }
    await parts.clock.sleep(parts.intervalMs, signal);
  }
}

interface Line {
  readonly text: string;
  readonly rest: string;
}

/** The first line that is to be carried out; the file is taken when nothing is left of the last one. */
async function firstLine(file: string): Promise<Line | undefined> {
  const taken = takenOf(file);
  if (!(await exists(taken))) {
    if (!(await exists(file))) return undefined;
    await rename(file, taken);
  }
  const { size } = await stat(taken);
  if (size > MAX_BYTES)
    throw new OperatorError(`File ${taken} is larger than ${MAX_BYTES} bytes: its signals are not read`);
  const content = await readFile(taken, 'utf8');
  const end = content.indexOf('\n');
  return end < 0 ? { text: content, rest: '' } : { text: content.slice(0, end), rest: content.slice(end + 1) };
}

/** What is left to be carried out, whole or not at all. */
async function keep(file: string, rest: string): Promise<void> {
  const taken = takenOf(file);
  if (rest === '') return await rm(taken, { force: true });
  await writeFile(`${taken}.new`, rest);
  await rename(`${taken}.new`, taken);
}

function takenOf(file: string): string {
  return `${file}.taken`;
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function placeOf(line: string): string {
  return `file:${createHash('sha256').update(line).digest('hex').slice(0, 12)}`;
}
