import type { Finding } from '../../finding.ts';

/** A way to capture, by the name of its connector class. */
export type CaptureMode = 'PostgresWalSource' | 'PostgresTriggerSource' | 'PostgresQuerySource';

/** What a look found of one database, as a connector of one class would find it. */
export interface LookedAtMode {
  readonly findings: readonly Finding[];
  /** How many tables, views or queries it would capture; undefined when they could not be looked at. */
  readonly tables: number | undefined;
}

/** Whether one way of capture works here. */
export interface ModeVerdict {
  readonly mode: CaptureMode;
  /** Why it does not: of the server, the role, or all that is to be captured. */
  readonly obstacles: readonly Finding[];
  /** What is to be mended besides, of single tables or of the connector's file. */
  readonly conditions: readonly Finding[];
}

/** Which way of capture suits a database. */
export interface Recommendation {
  /** Undefined: none works as it is. */
  readonly mode: CaptureMode | undefined;
  /** In the order of preference. */
  readonly verdicts: readonly ModeVerdict[];
}

/** What is seen, and what it costs: the first one that works is the best. */
export const CAPTURE_MODES: Readonly<Record<CaptureMode, string>> = {
  PostgresWalSource: 'the WAL: every change in the order of commits, at the least cost for the source',
  PostgresTriggerSource: 'triggers: every change, paid for by whoever writes',
  PostgresQuerySource: 'polls: the last state of each row between two polls, with no right but SELECT',
};

/** Problems of single tables, or of what a connector's file says, which the way of capture as a whole does not depend on. */
const MINOR: ReadonlySet<string> = new Set([
  'replica identity',
  'key',
  'types',
  'column filter',
  'wide rows',
  'tables',
  'slot',
  'mode',
  'query',
  'columns',
]);

/** Judges which way of capture to take, and what stands in the way of the others; pure. */
export function recommendCapture(looks: Readonly<Record<CaptureMode, LookedAtMode>>): Recommendation {
  const verdicts = (Object.keys(CAPTURE_MODES) as CaptureMode[]).map((mode) => verdictOf(mode, looks[mode]));
  return { mode: verdicts.find(({ obstacles }) => obstacles.length === 0)?.mode, verdicts };
}

/**
 * What `rowcast check` adds for a connector whose own way of capture has an obstacle, when another way has none. `database` names it in the finding.
 */
export function otherWay(own: CaptureMode, { mode, verdicts }: Recommendation, database: string): Finding | undefined {
  const isObstructed = verdicts.some((verdict) => verdict.mode === own && verdict.obstacles.length > 0);
  if (mode === undefined || mode === own || !isObstructed) return undefined;
  return {
    level: 'warning',
    check: 'capture',
    object: `database ${database}`,
    message: `Another way of capture has no obstacle here: ${CAPTURE_MODES[mode]}.`,
    fix: `"connector.class": "${mode}" # rowcast check --recommend tells more`,
  };
}

/** True when the findings of a connector name an obstacle to its way of capture. */
export function isObstructed(findings: readonly Finding[]): boolean {
  return findings.some(isObstacle);
}

function verdictOf(mode: CaptureMode, { findings, tables }: LookedAtMode): ModeVerdict {
  const obstacles = findings.filter(isObstacle);
  // Where the tables could not even be looked at, that is said already.
  if (tables === 0) obstacles.push(nothingToCapture(mode));
  const conditions = findings.filter((each) => each.level === 'problem' && MINOR.has(each.check));
  return { mode, obstacles, conditions };
}

/** What cannot be looked at could be an obstacle: who recommends must know. */
function isObstacle({ level, check }: Finding): boolean {
  return level === 'unknown' || (level === 'problem' && !MINOR.has(check));
}

function nothingToCapture(mode: CaptureMode): Finding {
  const message =
    mode === 'PostgresQuerySource'
      ? 'There is nothing that it could capture.'
      : 'There is no table that it could capture: views, unlogged and foreign tables are read by polls alone.';
  return { level: 'problem', check: 'tables', object: 'the captured tables', message };
}
