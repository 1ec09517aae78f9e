import { basename } from 'node:path';
import { clashes, type ConnectorFile, type ReadFile } from '../../connector/load-file.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import { effectiveDigest } from './effective.ts';

/** A file that cannot be used as it is. */
export interface InvalidFile {
  readonly file: string;
  /** The connector that it is about: what it runs, or says it is, or else the file's own name. */
  readonly name: string;
  /** As written; undefined when it is not even JSON. */
  readonly raw: RawConfig | undefined;
  readonly problems: readonly string[];
}

/** What is to run, from the files as they were at one look. */
export interface Wanted {
  /** By name; each is the last configuration of its file that could be used. */
  readonly connectors: ReadonlyMap<string, ConnectorFile>;
  /** In the order of the files. */
  readonly invalid: readonly InvalidFile[];
}

export const NOTHING_WANTED: Wanted = { connectors: new Map(), invalid: [] };

/** What one file asks for. */
interface Candidate {
  readonly read: ReadFile;
  /** What it ran at the look before; of a broken one, also what a file ran that was renamed to it. */
  readonly former: ConnectorFile | undefined;
}

/**
 * What is to run now. A file that cannot be used any more keeps what it ran. Of two files that cannot both run (one name, one slot) the
 * one that ran before stays, else the first by path; a file that was renamed is the same connector.
 */
export function wantedNow(before: Wanted, files: readonly ReadFile[]): Wanted {
  const present = new Set(files.map(({ file }) => file));
  const candidates = files.map((read): Candidate => ({ read, former: formerOf(read, before, present) }));
  // What clashes falls back to what it ran, which may be in the way of another change: that one is judged again.
  const pinned = new Set<string>();
  for (;;) {
    const { wanted, clashing } = settle(candidates, before, pinned);
    const more = clashing.filter(({ read, former }) => former && !pinned.has(read.file));
    if (more.length === 0) return wanted;
    for (const { read } of more) pinned.add(read.file);
  }
}

function formerOf(read: ReadFile, before: Wanted, present: ReadonlySet<string>): ConnectorFile | undefined {
  const own = [...before.connectors.values()].find(({ file }) => file === read.file);
  if (own || 'connector' in read || read.name === undefined) return own;
  const renamed = before.connectors.get(read.name);
  return renamed && !present.has(renamed.file) ? { ...renamed, file: read.file } : undefined;
}

/** Gives every file its place, those first that run already; `pinned` ones ask for what they ran. */
function settle(
  candidates: readonly Candidate[],
  before: Wanted,
  pinned: ReadonlySet<string>,
): { readonly wanted: Wanted; readonly clashing: readonly Candidate[] } {
  const asked = candidates.map((candidate) => {
    const { read, former } = candidate;
    const connector = 'connector' in read && !pinned.has(read.file) ? read.connector : former;
    return { candidate, connector, claim: connector ? claim(connector, former, before) : 0 };
  });
  const connectors = new Map<string, ConnectorFile>();
  const clashing: Candidate[] = [];
  for (const { candidate, connector } of asked.toSorted((a, b) => b.claim - a.claim)) {
    if (connector === undefined) continue;
    if (clashesWith(connector, connectors).length > 0) clashing.push(candidate);
    else connectors.set(connector.name, connector);
  }
  const invalid = candidates.flatMap(({ read }) => invalidFile(read, connectors));
  return { wanted: { connectors, invalid }, clashing };
}

/** How much a file is what ran before: unchanged, changed, or the same content in another file. */
function claim(connector: ConnectorFile, former: ConnectorFile | undefined, before: Wanted): number {
  if (former) return effectiveDigest(connector) === effectiveDigest(former) && connector.name === former.name ? 3 : 2;
  const namesake = before.connectors.get(connector.name);
  return namesake && effectiveDigest(connector) === effectiveDigest(namesake) ? 1 : 0;
}

function clashesWith(connector: ConnectorFile, connectors: Wanted['connectors']): readonly string[] {
  return [...connectors.values()].flatMap((other) => (other.file === connector.file ? [] : clashes(connector, other)));
}

/** What is wrong with a file that does not run as it is written. */
function invalidFile(read: ReadFile, connectors: Wanted['connectors']): readonly InvalidFile[] {
  const { file } = read;
  const runs = [...connectors.values()].find((each) => each.file === file);
  if ('problems' in read) {
    return [{ file, name: runs?.name ?? read.name ?? basename(file, '.json'), raw: read.raw, problems: read.problems }];
  }
  const problems = clashesWith(read.connector, connectors);
  return problems.length === 0
    ? []
    : [{ file, name: runs?.name ?? read.connector.name, raw: read.connector.raw, problems }];
}
