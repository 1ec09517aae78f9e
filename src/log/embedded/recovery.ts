import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { damaged, encodeFileHeader, type FileHeader, type FileKind, missing } from './format.ts';
import { FrameCheck } from './frame-check.ts';
import { hasFrameAfter, type ScannedFile, scanFrames } from './frame-scan.ts';
import { type Contents, LogFile, readFileHeader } from './log-file.ts';

/** A place up to which the log is known to have been durable: what is missing below it was not torn by a crash but lost. */
export interface Mark {
  readonly segment: number;
  readonly size: number;
}

/** The last segment, ready to be written on. */
export interface ActiveSegment {
  readonly file: LogFile;
  readonly contents: Contents;
  readonly size: number;
  readonly nextSequence: number;
}

/** The files of a directory, in order. */
export interface FoundFiles {
  readonly kept: LogFile | undefined;
  readonly sealed: LogFile[];
  readonly active: ActiveSegment | undefined;
}

const NAME = /^(segment|kept)-(\d{12})\.log$/;

export function fileName(kind: FileKind, number: number): string {
  return `${kind}-${String(number).padStart(12, '0')}.log`;
}

/**
 * Finds the files, removes what a crash left half deleted, and cuts off what the last commit left torn.
 * OperatorError when a file is missing, damaged before its end, or shorter than `mark` says it was.
 */
export async function recover(directory: string, mark: Mark | undefined): Promise<FoundFiles> {
  const numbers = await numbersIn(directory);
  const keptNumber = Math.max(0, ...numbers.kept);
  await removeReplaced(directory, numbers, keptNumber);
  const segments = numbers.segment.filter((number) => number > keptNumber).sort((a, b) => a - b);
  requireAll(directory, segments, keptNumber, mark);
  const kept = keptNumber === 0 ? undefined : await openComplete(directory, 'kept', keptNumber);
  const last = segments.pop();
  const sealed: LogFile[] = [];
  for (const number of segments) sealed.push(await openComplete(directory, 'segment', number));
  const active = last === undefined ? undefined : await openActive(directory, last, mark);
  return { kept, sealed, active };
}

/** The numbers of the files, by their kinds. */
export async function numbersIn(directory: string): Promise<Record<FileKind, number[]>> {
  const numbers = { segment: [] as number[], kept: [] as number[] };
  for (const name of await readdir(directory)) {
    const match = NAME.exec(name);
    if (match !== null) numbers[match[1] as FileKind].push(Number(match[2]));
  }
  return numbers;
}

/** A crash between writing a kept file and deleting what it replaces leaves both. */
async function removeReplaced(
  directory: string,
  numbers: Readonly<Record<FileKind, readonly number[]>>,
  kept: number,
): Promise<void> {
  for (const number of numbers.kept)
    if (number < kept) await rm(join(directory, fileName('kept', number)), { force: true });
  for (const number of numbers.segment)
    if (number <= kept) await rm(join(directory, fileName('segment', number)), { force: true });
}

function requireAll(directory: string, segments: readonly number[], kept: number, mark: Mark | undefined): void {
  const last = Math.max(mark?.segment ?? 0, kept === 0 ? 0 : kept + 1, ...segments);
  for (let number = kept + 1, i = 0; number <= last; number++, i++) {
    if (segments[i] === number) continue;
    throw missing(join(directory, fileName('segment', number)));
  }
}

async function openComplete(directory: string, kind: FileKind, number: number): Promise<LogFile> {
  const path = join(directory, fileName(kind, number));
  const handle = await open(path, 'r');
  try {
    return new LogFile(path, await namedHeader({ handle, path }, kind, number));
  } finally {
    await handle.close();
  }
}

async function namedHeader(file: ScannedFile, kind: FileKind, number: number): Promise<FileHeader> {
  const header = await readFileHeader(file);
  if (header.kind !== kind || header.number !== number) throw damaged(file.path, 0);
  return header;
}

/** Opens the segment that was written last. What follows its last intact frame is cut off if it can be a torn commit. */
async function openActive(directory: string, number: number, mark: Mark | undefined): Promise<ActiveSegment> {
  const path = join(directory, fileName('segment', number));
  const handle = await open(path, 'r+');
  try {
    const file = { handle, path };
    const header = await namedHeader(file, 'segment', number);
    const check = new FrameCheck(path, header);
    const { size } = await handle.stat();
    const start = encodeFileHeader(header).length;
    const end = await scanFrames(file, start, size, header.salt, (...frame) => check.accept(...frame));
    const lost = mark?.segment === number && end < mark.size;
    if (lost || (end < size && (await hasFrameAfter(file, end + 1, size, header.salt)))) throw damaged(path, end);
    if (end < size) await handle.truncate(end);
    // Also what was read intact may not have been synced by the process that died; from here on it counts.
    await handle.sync();
    const contents = { handle, path, index: check.index };
    return { file: new LogFile(path, header, contents), contents, size: end, nextSequence: check.sequence };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
