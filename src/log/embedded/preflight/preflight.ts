import { describeError } from '../../../errors.ts';
import { Findings, type Finding } from '../../../finding.ts';
import { type DirectoryFacts, readDirectory } from './directory-facts.ts';

/** Below this a busy source fills it within the hour. */
const LITTLE_BYTES = 1024 ** 3;
/** Filesystems of other machines: their locks and their fsync keep other promises. */
const REMOTE: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x65735546: 'FUSE',
};
const MEMORY: Readonly<Record<number, string>> = { 0x01021994: 'tmpfs', 0x858458f6: 'ramfs' };

/**
 * Looks at a directory that a daemon keeps its state or its log in. `ownPid` is the daemon that is known to run on it and may hold it. Never
 * throws: what fails is a finding.
 */
export async function checkDirectory(directory: string, ownPid: number | undefined): Promise<readonly Finding[]> {
  try {
    return judgeDirectory(await readDirectory(directory), ownPid);
  } catch (error) {
    const message = `It cannot be looked at: ${describeError(error)}.`;
    return [{ level: 'problem', check: 'directory', object: `directory ${directory}`, message, fix: OTHER }];
  }
}

const OTHER = 'Name a directory that this user can write with --state.';

/** Judges what was found. */
export function judgeDirectory(facts: DirectoryFacts, ownPid: number | undefined): readonly Finding[] {
  const found = new Findings();
  const object = `directory ${facts.path}`;
  const { nearest, path, holder } = facts;
  if (!facts.isDirectory) {
    found.problem('directory', object, `${nearest} is a file, not a directory.`, OTHER);
    return found.all;
  }
  if (!facts.isWritable) {
    const what =
      nearest === path
        ? 'This user may not write in it'
        : `It cannot be created: this user may not write in ${nearest}`;
    found.problem('directory', object, `${what}.`, `sudo install -d -o "$USER" ${quoted(path)}`);
  } else found.ok('directory', object, nearest === path ? 'It can be written.' : 'It will be created.');
  if (holder !== undefined && holder.pid !== ownPid) {
    const sure = holder.isRunning === true;
    const message = sure
      ? `It is open in process ${holder.pid}: one process can have it open.`
      : `Process ${holder.pid} on ${holder.host} may have it open; that cannot be seen from here.`;
    const fix = sure
      ? `kill ${holder.pid}`
      : `Stop the daemon on ${holder.host}, or name another directory with --state.`;
    found[sure ? 'problem' : 'warning']('lock', object, message, fix);
  } else if (holder !== undefined)
    found.ok('lock', object, `The daemon that runs here has it open (process ${holder.pid}).`);
  judgeDisk(facts, found, object);
  return found.all;
}

function judgeDisk({ nearest, freeBytes, filesystem }: DirectoryFacts, found: Findings, object: string): void {
  if (freeBytes < LITTLE_BYTES) {
    found.warning(
      'disk space',
      object,
      `Its disk has ${Math.round(freeBytes / 1024 ** 2)} MB left.`,
      `df -h ${quoted(nearest)} # free some, or name another directory with --state`,
    );
  }
  const remote = REMOTE[filesystem >>> 0];
  if (remote !== undefined) {
    found.warning(
      'filesystem',
      object,
      `It is on ${remote}: locks and durable writes need a disk of this machine.`,
      'Name a local directory with --state.',
    );
  }
  const memory = MEMORY[filesystem >>> 0];
  if (memory !== undefined) {
    found.warning(
      'filesystem',
      object,
      `It is on ${memory}: a restart of the machine forgets it.`,
      'Name a directory on a disk with --state.',
    );
  }
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
