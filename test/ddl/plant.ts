import { cp, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Bugs that can be put into the compiled daemon, to see that a run notices them. */
export const PLANTS = ['lost-rename', 'lost-index', 'late-ddl'] as const;
export type Plant = (typeof PLANTS)[number];

const CHANGES: Readonly<Record<Plant, { readonly file: string; readonly find: string; readonly replace: string }>> = {
  // A renamed column is taken for one that was dropped and another that was added.
  'lost-rename': {
    file: 'sink/postgres/ddl.js',
    find: 'for (const { old, column } of renames(change)) {',
    replace: 'for (const { old, column } of []) {',
  },
  'lost-index': {
    file: 'sink/postgres/ddl-replay/parts-replay.js',
    find: 'for (const index of indexes) {',
    replace: 'for (const index of indexes.slice(1)) {',
  },
  // Statements are not replayed in their place: what relation messages tell is all that the sink has.
  'late-ddl': {
    file: 'sink/postgres/transaction.js',
    find: 'await replayDdl(',
    replace: 'if (control.ddl.changes.length > 1) await replayDdl(',
  },
};

/** Copies the compiled service to `directory`, with the bug, and returns its main file. It must lie where packages are found. */
export async function plantBug(main: string, directory: string, plant: Plant): Promise<string> {
  await cp(dirname(main), directory, { recursive: true });
  const { file, find, replace } = CHANGES[plant];
  const path = join(directory, file);
  const text = await readFile(path, 'utf8');
  if (text.split(find).length !== 2) throw new Error(`Bug ${plant} fits ${file} no more`);
  await writeFile(
    path,
    text.replace(find, () => replace),
  );
  return join(directory, basename(main));
}
