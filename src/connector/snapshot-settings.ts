import { conditionOfSelect } from '../postgres/condition.ts';
import { choice, flag, integer, list, patterns, remaining, type SettingsOf } from './setting.ts';

/** What a source is told of its copies, setting by setting. */
export interface SnapshotSettings {
  readonly snapshotModeName: (typeof MODES)[number];
  readonly snapshotBasedOnData: boolean;
  readonly snapshotBasedOnStream: boolean;
  readonly snapshotBasedOnDataError: boolean;
  readonly snapshotTables: readonly string[];
  readonly snapshotOverrides: readonly string[];
  readonly snapshotSelects: Readonly<Record<string, string>>;
  readonly snapshotLocking: 'none' | 'shared';
  readonly snapshotThreads: number;
  readonly snapshotChunkBytes: number;
  readonly snapshotDelayMs: number;
}

/** What the settings of copies amount to. */
export interface SnapshotConfig {
  /** `initial`: copy, then stream; `initial_only`: copy, then drop the slot and end; `no_data`: stream only. */
  readonly snapshotMode: 'initial' | 'initial_only' | 'no_data';
  /** When a finished copy is made again. */
  readonly recopy: 'never' | 'when lost' | 'always';
  readonly snapshotTables: readonly string[];
  /** By `schema.table`: the SQL condition of the rows that the first copy takes. */
  readonly snapshotConditions: Readonly<Record<string, string>>;
  readonly snapshotThreads: number;
  readonly snapshotChunkBytes: number;
  readonly snapshotDelayMs: number;
}

const MODES = [
  'initial',
  'initial_only',
  'no_data',
  'always',
  'when_needed',
  'configuration_based',
  'never',
  'schema_only',
] as const;

const GROUP = 'Snapshot';
const MODE = 'snapshot.mode';
const BASED = `${MODE}.configuration.based`;
const OVERRIDES = 'snapshot.select.statement.overrides';

/** The settings of copies; names and defaults are Debezium's. */
export const SNAPSHOT_SETTINGS: SettingsOf<SnapshotSettings> = {
  snapshotModeName: choice(MODE, MODES, {
    group: GROUP,
    default: 'initial',
    foreseen: ['custom'],
    doc:
      'initial: copy the tables once, then stream; initial_only: copy, drop the slot and stop; no_data (also never, schema_only): stream only; ' +
      'always: copy everything again at every start of the connector; when_needed: as initial, and copy everything again instead of stopping when the ' +
      'slot or the history behind it is lost; configuration_based: as the keys below say.',
  }),
  snapshotBasedOnData: flag(`${BASED}.snapshot.data`, {
    group: GROUP,
    importance: 'low',
    default: 'false',
    doc: 'For configuration_based: copy the rows at every start.',
  }),
  snapshotBasedOnStream: flag(`${BASED}.start.stream`, {
    group: GROUP,
    importance: 'low',
    default: 'false',
    doc: 'For configuration_based: stream changes.',
  }),
  snapshotBasedOnDataError: flag(`${BASED}.snapshot.on.data.error`, {
    group: GROUP,
    importance: 'low',
    default: 'false',
    doc: 'For configuration_based: copy the rows when the history behind the slot is lost; only together with snapshot.data.',
  }),
  snapshotTables: patterns('snapshot.include.collection.list', {
    group: GROUP,
    doc: 'Of the captured tables, those that the first copy takes, as schema.table: regular expressions for whole names, separated by commas. Empty: all.',
  }),
  snapshotOverrides: list(OVERRIDES, {
    group: GROUP,
    doc: `Tables of which the first copy takes only some rows, as schema.table, separated by commas; each has its statement in ${OVERRIDES}.<schema>.<table>.`,
  }),
  snapshotSelects: remaining(`${OVERRIDES}.`, {
    group: GROUP,
    doc: `The rows that the first copy takes of a table: ${OVERRIDES}.public.orders = SELECT * FROM public.orders WHERE …. Only the condition may differ.`,
  }),
  snapshotLocking: choice('snapshot.locking.mode', ['none', 'shared'], {
    group: GROUP,
    importance: 'low',
    default: 'none',
    foreseen: ['custom'],
    doc: 'Both mean the same here: a copy holds ACCESS SHARE on its tables, which keeps nobody from reading or writing, only from changing their shape.',
  }),
  snapshotThreads: integer('snapshot.max.threads', 1, 64, {
    group: GROUP,
    default: '1',
    doc: 'How many connections copy at once, within and across tables, all on one snapshot.',
  }),
  snapshotChunkBytes: integer('snapshot.chunk.bytes', 65_536, 1_073_741_824, {
    importance: 'low',
    group: GROUP,
    default: '16777216',
    doc: 'Larger tables are copied in chunks of about this size: what a copy reads again, per connection, after it was interrupted.',
  }),
  snapshotDelayMs: integer('snapshot.delay.ms', 0, 86_400_000, {
    group: GROUP,
    importance: 'low',
    default: '0',
    doc: 'How long to wait before a copy that begins; one that goes on after a restart does not wait.',
  }),
};

/** Puts the settings of copies together; problems and warnings are added to the lists. */
export function completeSnapshot(settings: SnapshotSettings, problems: string[], warnings: string[]): SnapshotConfig {
  const { snapshotTables, snapshotThreads, snapshotChunkBytes, snapshotDelayMs } = settings;
  const snapshotConditions = conditionsOf(settings, problems);
  if (snapshotTables.length > 0 || Object.keys(snapshotConditions).length > 0) {
    const key = snapshotTables.length > 0 ? 'snapshot.include.collection.list' : OVERRIDES;
    warnings.push(`${key} leaves rows out of the copy: a replica that has not got them stops when they change`);
  }
  const copy = { snapshotThreads, snapshotChunkBytes, snapshotDelayMs };
  return { ...modeOf(settings, problems), snapshotTables, snapshotConditions, ...copy };
}

function modeOf(settings: SnapshotSettings, problems: string[]): Pick<SnapshotConfig, 'snapshotMode' | 'recopy'> {
  switch (settings.snapshotModeName) {
    case 'initial':
    case 'initial_only':
      return { snapshotMode: settings.snapshotModeName, recopy: 'never' };
    case 'no_data':
    case 'never':
    case 'schema_only':
      return { snapshotMode: 'no_data', recopy: 'never' };
    case 'always':
      return { snapshotMode: 'initial', recopy: 'always' };
    case 'when_needed':
      return { snapshotMode: 'initial', recopy: 'when lost' };
    case 'configuration_based':
      return basedOn(settings, problems);
    default:
      return settings.snapshotModeName satisfies never;
  }
}

function basedOn(
  { snapshotBasedOnData: data, snapshotBasedOnStream: stream, snapshotBasedOnDataError: onError }: SnapshotSettings,
  problems: string[],
): Pick<SnapshotConfig, 'snapshotMode' | 'recopy'> {
  if (!data && !stream) {
    problems.push(
      `${BASED}.start.stream and ${BASED}.snapshot.data are both false: nothing is left to do; set one of them`,
    );
  } else if (!data && onError) {
    problems.push(
      `${BASED}.snapshot.on.data.error needs ${BASED}.snapshot.data=true: a copy when history is lost replaces the rows that nobody copied before; or set ${MODE} to when_needed`,
    );
  }
  if (!data) return { snapshotMode: 'no_data', recopy: 'never' };
  return { snapshotMode: stream ? 'initial' : 'initial_only', recopy: 'always' };
}

function conditionsOf(
  { snapshotOverrides, snapshotSelects }: SnapshotSettings,
  problems: string[],
): Readonly<Record<string, string>> {
  const conditions: [string, string][] = [];
  for (const name of snapshotOverrides) {
    const select = Object.hasOwn(snapshotSelects, name) ? snapshotSelects[name] : undefined;
    if (select === undefined) {
      problems.push(`${OVERRIDES}.${name} is required: ${OVERRIDES} names this table`);
      continue;
    }
    const found = conditionOfSelect(select, name);
    if ('problem' in found) problems.push(`${OVERRIDES}.${name} ${found.problem}`);
    else if (found.condition !== undefined) conditions.push([name, found.condition]);
  }
  for (const name of Object.keys(snapshotSelects)) {
    if (!snapshotOverrides.includes(name))
      problems.push(`${OVERRIDES}.${name} is about a table that ${OVERRIDES} does not name`);
  }
  return Object.fromEntries(conditions);
}
