import { Random } from '../../../src/torture/random.ts';
import type { Scenario, Setting } from '../scenario.ts';
import { generateChange, generateNewTable } from './ddl.ts';
import { disturb } from './generate.ts';
import { Objects } from './objects.ts';
import { Sessions } from './sessions.ts';
import type { TableModel } from './table-model.ts';
import { generateDatabase } from './tables.ts';
import { ENUM_SETUP, TYPE_SETUP } from './types.ts';

/**
 * A round with DDL replication: the whole database is made while the stream runs, so that in the end the catalogs are equal too. Statements that the
 * product says it stops at (docs/ddl.md) are not among them.
 */
export function generateDdlScenario(seed: number, round: number): Scenario {
  const random = new Random(seed * 0x1_0000_0000 + round + 0x8000_0000);
  const setting: Setting = {
    target: 'created',
    isPrivileged: random.chance(0.75),
    publication: 'filtered',
    ddl: true,
    isLate: false,
    snapshotThreads: 1,
    snapshotChunkBytes: 16 * 1024 * 1024,
    partitions: random.pick([1, 1, 3]),
    maxBatchBytes: random.pick([16 * 1024, 1024 * 1024]),
  };
  const { tables, statements } = generateDatabase(false, random);
  const sessions = new Sessions(tables, random);
  sessions.change(statements);
  interleave(sessions, tables, random);
  sessions.finish();
  return { setting, types: [...ENUM_SETUP, ...TYPE_SETUP], tables: [], rows: [], steps: sessions.steps };
}

/** Changes of all kinds between the rows of several sessions; nobody waits for the replica meanwhile. */
function interleave(sessions: Sessions, tables: TableModel[], random: Random): void {
  const stopped = new Set<'source' | 'sink'>();
  const objects = new Objects(tables, random);
  for (let n = random.between(15, 60); n > 0; n--) {
    const chance = random.below(100);
    if (chance < 6) disturb(sessions.steps, stopped, random);
    else if (chance < 45) {
      sessions.finish(); // a lock that others hold would refuse it
      change(sessions, tables, objects, random);
    } else sessions.act();
  }
}

function change(sessions: Sessions, tables: TableModel[], objects: Objects, random: Random): void {
  const table = random.pick(tables);
  const chance = random.below(100);
  if (chance < 8) return sessions.undone(() => [generateChange(table, random) ?? 'select 1']);
  const several: string[] = [];
  for (let n = random.pick([1, 1, 1, 2, 4]); n > 0; n--) {
    if (random.chance(0.55)) several.push(generateChange(random.pick(tables), random) ?? 'select 1');
    else if (random.chance(0.2)) several.push(...generateNewTable(tables, random));
    else several.push(...objects.change());
  }
  sessions.change(several);
}
