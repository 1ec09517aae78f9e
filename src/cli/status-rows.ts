import type { HealthStatus } from '../worker/rest/health.ts';
import type { FailureCounts } from '../worker/status.ts';
import { positionText } from '../worker/operate/text.ts';

/** One connector as `rowcast status` shows it; `null` is what it has not, or not yet. */
export interface ConnectorRow {
  readonly name: string;
  readonly type: 'source' | 'sink' | 'unknown';
  /** As /health judges; `starting` before the daemon has started all connectors. */
  readonly health: HealthStatus | 'starting';
  /** What it is doing, in our words; `invalid` when its file never could be used. */
  readonly state: string;
  readonly stage: string | null;
  /** When the stage began, in milliseconds since 1970. */
  readonly since: number | null;
  /** Of a sink: how long transactions take from source to replica. */
  readonly lag_ms: number | null;
  /** Row changes since the daemon started. */
  readonly changes: number | null;
  readonly position: string | null;
  /** How far a copy is that runs. */
  readonly copy: string | null;
  /** Of a sink: tables that lack rows in its target until they are copied. */
  readonly partial: readonly string[] | null;
  readonly problem: string | null;
  readonly remedy: string | null;
  readonly failures: FailureCounts | null;
}

/** A connector as `GET /connectors?expand=info&expand=status` has it. */
interface Expanded {
  readonly info: { readonly type: ConnectorRow['type'] };
  readonly status: {
    readonly rowcast: {
      readonly file: string;
      readonly problems: readonly string[];
      readonly state?: string;
      readonly stage?: { readonly name: string; readonly since: number };
      readonly failure?: { readonly message: string; readonly advice?: string };
      readonly failures?: FailureCounts;
      readonly position?: string | null;
      readonly snapshot?: CopyTold | null;
      readonly partial?: readonly string[];
      readonly lag_ms?: number | null;
      readonly counters?: Readonly<Record<string, number>>;
    };
  };
}

/** How far a copy is. */
interface CopyTold {
  readonly tables: number;
  readonly tables_done: number;
  readonly rows: number;
  readonly percent: number;
  readonly seconds_left?: number | null;
  readonly table?: string;
}

/** How far a copy that runs is, for a person; null when none runs. */
function copyText(told: CopyTold | null | undefined): string | null {
  if (told === null || told === undefined || (told.percent === 100 && told.tables_done === told.tables)) return null;
  const left = told.seconds_left ?? undefined;
  const what = told.table ?? `${told.tables_done} of ${told.tables} tables`;
  return `copying: ${told.percent} % (${what}, ${told.rows} rows)${left === undefined ? '' : `, about ${ageText(left * 1000)} left`}`;
}

/** No line names more tables than this. */
const NAMED_TABLES = 5;

/** Which tables of a target lack rows, for a person; null when none does. */
export function partialText(partial: readonly string[] | null): string | null {
  if (partial === null || partial.length === 0) return null;
  const more = partial.length - NAMED_TABLES;
  const named = partial.slice(0, NAMED_TABLES).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `lacks rows until they are copied: ${named}`;
}

interface ToldHealth {
  readonly connectors?: readonly {
    readonly name: string;
    readonly status: HealthStatus;
    readonly message?: string;
  }[];
}

/** What the daemon's two answers amount to, by name. */
export function rowsOf(connectors: unknown, health: unknown): readonly ConnectorRow[] {
  const judged = new Map((health as ToldHealth).connectors?.map((each) => [each.name, each]));
  return Object.entries(connectors as Readonly<Record<string, Expanded>>).map(([name, { info, status }]) => {
    const { file, problems, state, stage, failure, failures, position, lag_ms, counters, snapshot, partial } =
      status.rowcast;
    const verdict = judged.get(name);
    const isWell = verdict?.status === 'healthy' && failure === undefined;
    const fileProblem = problems.length > 0 ? problems.join('; ') : undefined;
    const problem = failure?.message ?? fileProblem ?? verdict?.message;
    const remedy = failure?.advice ?? (fileProblem === undefined ? undefined : `Correct ${file}.`);
    return {
      name,
      type: info.type,
      health: verdict?.status ?? 'starting',
      state: state ?? (problems.length > 0 ? 'invalid' : 'waiting'),
      stage: stage?.name ?? null,
      since: stage?.since ?? null,
      lag_ms: lag_ms ?? null,
      changes: counters === undefined ? null : changesOf(info.type, counters),
      position: position ?? null,
      copy: copyText(snapshot),
      partial: partial ?? null,
      problem: isWell ? null : (problem ?? null),
      remedy: isWell ? null : (remedy ?? null),
      failures: failures ?? null,
    };
  });
}

function changesOf(type: ConnectorRow['type'], counters: Readonly<Record<string, number>>): number {
  if (type === 'source') return counters.changes ?? 0;
  const kinds = ['copied', 'inserts', 'updates', 'deletes', 'key_changes'];
  return kinds.reduce((sum, kind) => sum + (counters[kind] ?? 0), 0);
}

const TITLES = ['CONNECTOR', 'TYPE', 'STATE', 'STAGE', 'SINCE', 'LAG', 'CHANGES', 'POSITION'] as const;

/** A line per connector, and below it what is wrong and what to do; `now` in milliseconds since 1970. */
export function statusTable(rows: readonly ConnectorRow[], now: number): string {
  if (rows.length === 0) return 'There are no connectors.\n';
  const cells = rows.map(({ name, type, state, stage, since, lag_ms, changes, position }) => [
    name,
    type,
    state,
    stage ?? '-',
    since === null ? '-' : ageText(now - since),
    lag_ms === null ? '-' : `${(lag_ms / 1000).toFixed(1)} s`,
    changes === null ? '-' : String(changes),
    position === null ? '-' : positionText(position),
  ]);
  const widths = TITLES.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = cells.flatMap((row, i) => {
    const { copy = null, partial = null, problem = null, remedy = null } = rows[i] ?? {};
    return [
      line(row),
      ...[copy, partialText(partial), problem, remedy].flatMap((text) => (text === null ? [] : [`  ${text}`])),
    ];
  });
  return `${[line(TITLES), ...lines].join('\n')}\n`;
}

function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
