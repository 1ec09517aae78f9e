import { AXES, type Axis, type Point } from '../growth.ts';
import type { Results } from '../measurement.ts';
import { type Summary, summarize } from '../summary.ts';
import { barChart } from './chart.ts';
import { howMeasured } from './how-measured.ts';
import { byProcess, markdown, type Row, whole } from './table.ts';

type Grown = Summary & { readonly growth: Point };

const HEAD: Row = [
  '',
  'phase',
  'who',
  'rows/s',
  'all tables met after s',
  'rows/s then',
  'MB/s',
  'CPU-s per 1M rows',
  'CPU-s per GB',
  'peak MB',
  'equal',
];

const TITLES: Readonly<Record<Axis, string>> = {
  tables: 'By the number of tables',
  partitions: 'By the number of partitions',
  width: 'By the width of rows',
  backlog: 'By the size of the backlog',
};

/** The page of how the cost grows: nothing in it is written by hand but the words. */
export function growthPage(results: Results): string {
  const summaries = summarize(results.runs);
  const pictures = [...growthCharts(summaries).keys()].map(
    (name) => `![${name.replace(/\.svg$/, '')}](performance/${name})`,
  );
  return `# How the cost grows

*Made by \`npm run bench -- --growth … --document\`: not to be edited. Beside whom Rowcast is fast: [performance.md](performance.md).*

The same narrow rows in more tables, over more partitions, and more of them; and the same bytes in rows of other widths. What does not grow
is flat: each row costs the same, however many there are of everything else. Sources, replicas, the broker and whoever moves the rows share one machine. After each run both sides are compared by content.

${howMeasured(results)}

${pictures.join('\n')}

${growthTable(summaries)}

With many tables a daemon that was started meets each of them first: it looks it up on both sides, makes its topic, stores its schemas. What it costs from then on is in "rows/s then". There every table is one more batch, in the log and in a statement, for each few rows
of it: the broker's work grows with the partitions that it is written to and read from, the replica's with the tables that it writes to, and all of them with memory that is spread wider.
`;
}

/** All points as a Markdown table, which is also what a terminal shows. */
export function growthTable(summaries: readonly Summary[]): string {
  return markdown([HEAD, ...summaries.filter(isGrown).map(rowOf)], 3);
}

/** One chart for each axis and phase that was measured, by file name: rows per second, or MB where rows have several widths. */
export function growthCharts(summaries: readonly Summary[]): Map<string, string> {
  const grown = summaries.filter(isGrown);
  const made = new Map<string, string>();
  for (const axis of AXES) {
    const bars = grown
      .filter(({ growth }) => growth.axis === axis)
      .map((each) => ({
        label: `${nameOfPoint(each.growth)}, ${each.contestant}${each.phase === 'end-to-end' ? '' : `, ${each.phase}`}`,
        value: (axis === 'width' ? each.megabytesPerSecond : each.rowsPerSecond) ?? 0,
        isOwn: each.contestant.startsWith('rowcast'),
      }));
    const unit = axis === 'width' ? 'MB per second' : 'rows per second';
    if (bars.length > 0) made.set(`growth-${axis}.svg`, barChart(TITLES[axis], unit, [{ heading: '', bars }]));
  }
  return made;
}

function isGrown(summary: Summary): summary is Grown {
  return summary.growth !== undefined;
}

function rowOf(summary: Grown): Row {
  const { growth, phase, contestant, rowsPerSecond, megabytesPerSecond, cpu, peakBytes, isEqual, met } = summary;
  const rowsPerGigabyte = ((rowsPerSecond ?? Number.NaN) / (megabytesPerSecond ?? Number.NaN)) * 1_000;
  const perGigabyte = Object.entries(cpu).map(([name, used]) => [name, (used * rowsPerGigabyte) / 1e6] as const);
  return [
    nameOfPoint(growth),
    phase,
    contestant,
    whole(rowsPerSecond),
    met?.seconds.toFixed(2) ?? '',
    whole(met?.rowsPerSecondThen),
    megabytesPerSecond?.toFixed(1) ?? '',
    byProcess(cpu),
    byProcess(Object.fromEntries(perGigabyte)),
    peakBytes === undefined ? '' : whole(peakBytes / 1024 / 1024),
    isEqual === undefined ? '' : isEqual ? 'yes' : 'NO',
  ];
}

function nameOfPoint({ axis, value }: Point): string {
  if (axis === 'backlog') return `${whole(value)} M rows`;
  if (axis === 'width') return `rows of ${whole(value)} B`;
  return `${whole(value)} ${value === 1 ? axis.replace(/s$/, '') : axis}`;
}
