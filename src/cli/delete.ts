import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import { confirm } from './confirm.ts';
import { named, print } from './offsets.ts';
import { findOperation, type Subject } from './operation.ts';
import type { OperatorFlags } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';

export interface DeleteOptions extends OperatorFlags {
  readonly dropSlot?: boolean;
  readonly dropPublication?: boolean;
  readonly dropProgress?: boolean;
  readonly keepFile?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/**
 * Deletes a connector: a daemon that runs stops it, and keeps it stopped; its servers are tidied as asked; then its file is removed.
 * Whatever fails, the same command can be given again. A daemon also deletes one whose file is gone already. Returns 0; throws
 * OperatorError when the file cannot be removed from here.
 */
export async function runDelete(name: string, options: DeleteOptions, env: Environment): Promise<number> {
  using stop = stopSignal();
  const operation = await findOperation(options, env, stop.signal);
  const subject = await operation.subject(name);
  await confirm(planOf(name, subject, options), options.yes === true, stop.signal);
  const { dropSlot = false, dropPublication = false, dropProgress = false } = options;
  const answer = await operation.carryOut({ kind: 'delete', connector: name, dropSlot, dropPublication, dropProgress });
  print(answer, options.json === true);
  if (subject !== undefined) await settleFile(name, subject.file, options, operation.hasDaemon);
  return 0;
}

/** Last, so that everything before it can be repeated; says what became of the file. */
async function settleFile(name: string, file: string, options: DeleteOptions, hasDaemon: boolean): Promise<void> {
  const tell = (line: string): boolean => process.stderr.write(`${name}: ${line}\n`);
  if (options.keepFile === true) {
    tell(`stays: ${file}, which the next daemon that starts runs again`);
    return;
  }
  if (!existsSync(file)) {
    if (hasDaemon)
      tell(`${file} is not there, seen from here: remove it where the daemon reads it, if it is still there`);
    return;
  }
  try {
    await rm(file);
  } catch (cause) {
    throw new OperatorError(`${name} is deleted, but its file stays: ${file} cannot be removed`, {
      cause,
      advice: 'Remove it where it comes from (a mount, a config map): the next daemon that starts would run it again.',
    });
  }
  tell(`${file} is removed`);
}

function planOf(name: string, subject: Subject | undefined, options: DeleteOptions): readonly string[] {
  if (subject === undefined) {
    if (options.yes === true) return []; // the daemon says that there is none, or what its log kept for one whose file is gone
    return [`The daemon has no file of a connector ${name}. What its log may still keep for it will be given up.`];
  }
  const lines = [`Connector ${name} will be stopped for good.`];
  if (options.keepFile !== true) lines.push(`${subject.file} will be removed.`);
  if (options.dropSlot === true)
    lines.push(`Its slot${named(subject.slot)} will be dropped: it can never go on from where it is.`);
  if (options.dropPublication === true) lines.push(`Its publication${named(subject.publication)} will be dropped.`);
  if (options.dropProgress === true) lines.push('What it keeps about itself in its target will be removed.');
  return lines;
}
