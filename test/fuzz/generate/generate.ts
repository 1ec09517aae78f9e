import { Random } from '../../../src/torture/random.ts';
import type { Scenario, Setting, Step } from '../scenario.ts';
import { generateChange, generateNewTable } from './ddl.ts';
import { generateBulk, generateDml } from './dml.ts';
import { Sessions } from './sessions.ts';
import type { TableModel } from './table-model.ts';
import { generateDatabase } from './tables.ts';
import { ENUM_SETUP, TYPE_SETUP } from './types.ts';

/** Everything about one round, from two numbers. */
export function generateScenario(seed: number, round: number): Scenario {
  const random = new Random(seed * 0x1_0000_0000 + round);
  const setting = generateSetting(random);
  const { tables, statements } = generateDatabase(setting.target === 'same', random);
  const rows: Step[] = [];
  for (let n = random.below(6) * tables.length; n > 0; n--) {
    rows.push({ kind: 'sql', session: 0, sql: generateDml(tables, random).sql, guarded: false });
  }
  if (setting.isLate) {
    for (const table of tables) {
      rows.push({ kind: 'sql', session: 0, sql: generateBulk(table, random), guarded: false });
    }
  }
  const steps = generateSteps(tables, setting, random);
  return { setting, types: [...ENUM_SETUP, ...TYPE_SETUP], tables: statements, rows, steps };
}

function generateSetting(random: Random): Setting {
  return {
    target: random.chance(0.4) ? 'same' : 'created',
    isPrivileged: random.chance(0.75),
    publication: random.pick(['filtered', 'filtered', 'all_tables', 'leaves']),
    ddl: false,
    isLate: random.chance(0.25),
    snapshotThreads: random.between(1, 4),
    snapshotChunkBytes: random.pick([8 * 1024, 64 * 1024, 16 * 1024 * 1024]),
    partitions: random.pick([1, 1, 3]),
    maxBatchBytes: random.pick([16 * 1024, 1024 * 1024]),
  };
}

function generateSteps(tables: TableModel[], setting: Setting, random: Random): Step[] {
  const sessions = new Sessions(tables, random);
  const { steps } = sessions;
  const stopped = new Set<'source' | 'sink'>(setting.isLate ? ['source', 'sink'] : []);
  if (!setting.isLate) steps.push({ kind: 'settle' });
  const disturbance = setting.isLate ? 15 : 6; // a copy is to be met while it runs
  const changes = random.chance(0.5);
  for (let n = random.between(15, 70); n > 0; n--) {
    const chance = random.below(100);
    if (chance < disturbance) disturb(steps, stopped, random);
    else if (chance < disturbance + 8 && changes) change(sessions, tables, setting, stopped, random);
    else sessions.act();
  }
  sessions.finish();
  return steps;
}

/** Stops, starts or restarts a task. */
export function disturb(steps: Step[], stopped: Set<'source' | 'sink'>, random: Random): void {
  const task = random.pick(['source', 'sink'] as const);
  if (stopped.delete(task)) steps.push({ kind: 'start', task });
  else if (random.chance(0.4)) steps.push({ kind: 'restart', task });
  else {
    stopped.add(task);
    steps.push({ kind: 'stop', task });
  }
}

/** Schema changes one by one: without the event trigger the stream says only what the next row looks like. */
function change(
  sessions: Sessions,
  tables: TableModel[],
  setting: Setting,
  stopped: Set<'source' | 'sink'>,
  random: Random,
): void {
  const settle = (): void => {
    for (const task of stopped) sessions.steps.push({ kind: 'start', task });
    stopped.clear();
    sessions.steps.push({ kind: 'settle' });
  };
  const table = random.pick(tables);
  sessions.finish();
  settle();
  if (random.chance(0.1)) {
    sessions.undone(() => [generateChange(table, random) ?? 'select 1']);
    return settle();
  }
  if (random.chance(0.12)) {
    for (const sql of generateNewTable(tables, random)) sessions.change([sql]);
    if (setting.publication === 'filtered') sessions.steps.push({ kind: 'restart', task: 'source' });
    return settle();
  }
  const sql = generateChange(table, random);
  if (sql !== undefined) sessions.change([sql]);
  sessions.steps.push({ kind: 'settle' });
}
