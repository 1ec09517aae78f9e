import { basename } from 'node:path';
import type { ConnectorFile, ReadFile } from '../../connector/load-file.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import { effectiveDigest } from './effective.ts';

/** A file that cannot be used as it is. */
export interface InvalidFile {
  readonly file: string;
  /** The connector that it is about: what it was when it was last valid, or says it is, or else the file's own name. */
  readonly name: string;
  /** As written; undefined when it is not even JSON. */
  readonly raw: RawConfig | undefined;
  readonly problems: readonly string[];
}

/** What is to run, from the files as they were at one look. */
export interface Wanted {
  /** By name. Each is the last valid configuration of its file. */
  readonly connectors: ReadonlyMap<string, ConnectorFile>;
  /** In the order of the files. */
  readonly invalid: readonly InvalidFile[];
  /** The last valid configuration of every file that exists. */
  readonly valid: ReadonlyMap<string, ConnectorFile>;
}

export const NOTHING_WANTED: Wanted = { connectors: new Map(), invalid: [], valid: new Map() };

/**
 * What is to run now. A file that has become invalid keeps its last valid configuration; a name belongs to the file that had it before,
 * else to the first one by path; a file that was renamed is the same connector.
 */
export function wantedNow(before: Wanted, files: readonly ReadFile[]): Wanted {
  const present = new Set(files.map(({ file }) => file));
  const valid = new Map<string, ConnectorFile>();
  for (const read of files) {
    const connector = 'connector' in read ? read.connector : lastValid(before, read, present);
    if (connector) valid.set(read.file, connector);
  }
  const connectors = new Map<string, ConnectorFile>();
  for (const connector of valid.values()) {
    const rival = connectors.get(connector.name);
    const former = before.connectors.get(connector.name);
    if (rival === undefined || claim(connector, former) > claim(rival, former))
      connectors.set(connector.name, connector);
  }
  const invalid = files.flatMap((read): InvalidFile[] => {
    const connector = valid.get(read.file);
    const name = connector?.name ?? ('problems' in read ? read.name : undefined) ?? basename(read.file, '.json');
    const problems = [...('problems' in read ? read.problems : []), ...nameTaken(connector, connectors)];
    if (problems.length === 0) return [];
    return [{ file: read.file, name, raw: 'connector' in read ? read.connector.raw : read.raw, problems }];
  });
  return { connectors, invalid, valid };
}

/** Of an invalid file: its own, or that of a file which is gone and whose name this one has (renamed and changed at once). */
function lastValid(
  before: Wanted,
  read: { readonly file: string; readonly name?: string },
  present: ReadonlySet<string>,
): ConnectorFile | undefined {
  const own = before.valid.get(read.file);
  if (own || read.name === undefined) return own;
  const former = before.connectors.get(read.name);
  return former && !present.has(former.file) ? { ...former, file: read.file } : undefined;
}

/** How much a file is the one that had its name before: the same file, or the same content under another name (it was renamed). */
function claim(connector: ConnectorFile, former: ConnectorFile | undefined): number {
  if (former === undefined) return 0;
  if (connector.file === former.file) return 2;
  return effectiveDigest(connector) === effectiveDigest(former) ? 1 : 0;
}

function nameTaken(connector: ConnectorFile | undefined, connectors: Wanted['connectors']): readonly string[] {
  const owner = connector && connectors.get(connector.name);
  if (owner === undefined || owner.file === connector?.file) return [];
  return [`${owner.file} already has the name "${owner.name}"; give one of the two another name`];
}
