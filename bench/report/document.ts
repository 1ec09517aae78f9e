import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Phase, Results, Run } from '../measurement.ts';
import { ratioLines, ratios, type Summary, summarize } from '../summary.ts';
import { WORKLOADS } from '../workloads.ts';
import { barChart, type Group } from './chart.ts';
import { growthCharts, growthPage } from './growth.ts';
import { howMeasured } from './how-measured.ts';
import { table } from './table.ts';

/** Writes docs/performance.md, docs/performance-growth.md (each when there are runs for it) and their charts; returns the files that it made. */
export async function writeDocument(root: string, results: Results): Promise<string[]> {
  const docs = join(root, 'docs');
  const compared = part(results, false);
  const grown = part(results, true);
  const files = [
    ...[...charts(compared), ...growthCharts(summarize(grown.runs))].map(([name, svg]) => [`performance/${name}`, svg]),
    ...(compared.runs.length > 0 ? [['performance.md', document(compared)]] : []),
    ...(grown.runs.length > 0 ? [['performance-growth.md', growthPage(grown)]] : []),
  ] as const;
  await mkdir(join(docs, 'performance'), { recursive: true });
  return await Promise.all(
    files.map(async ([name, text]) => {
      const file = join(docs, name as string);
      await writeFile(file, text as string);
      return file;
    }),
  );
}

/** What belongs on one of the two pages, so that each can be measured anew without the other. */
function part({ conditions, repeat, runs }: Results, isGrowth: boolean): Results {
  const commands = conditions.command.split('\n').filter((line) => line.includes(' --growth ') === isGrowth);
  return {
    conditions: { ...conditions, command: commands.join('\n') },
    repeat,
    runs: runs.filter(({ growth }) => (growth !== undefined) === isGrowth),
  };
}

/** The page that compares: nothing in it is written by hand but the words. */
export function document(results: Results): string {
  const { runs, repeat } = results;
  const summaries = summarize(runs);
  const pictures = [...charts(results).keys()].map((name) => `![${name.replace(/\.svg$/, '')}](performance/${name})`);
  return `# Performance

*Made by \`npm run bench -- … --document\`: not to be edited.*

All numbers were measured on one machine, which sources, replicas, brokers and whoever moves the rows share. Contestants of one command
ran in turn, ${repeat === 1 ? 'once' : `${repeat} times`} each or more; medians over its runs in one command stand here, and only runs of one command are compared. After each run both sides are compared by content.
How the cost grows with tables, partitions, widths and backlogs: [performance-growth.md](performance-growth.md).

${howMeasured(results)}

Workloads: ${workloads(runs)}. Rows of a workload are loaded before anything runs, and everybody finds the whole of them. Rates of Debezium are between its first and
its last row, so that Java's start does not count; those of Rowcast and Postgres begin with the stream. MB are the text of rows. CPU of latencies is how
many cores were busy. One broker serves all runs of a command; it is warmed up before the first.

${pictures.join('\n')}

${table(summaries)}

How Rowcast stands to the others; above 1 it is better. Of latencies it is the p99, of the start the time.

\`\`\`
${ratioLines(ratios(summaries)).join('\n')}
\`\`\`
`;
}

function workloads(runs: readonly Run[]): string {
  const names = new Set(runs.flatMap(({ workload }) => workload ?? []));
  return Object.values(WORKLOADS)
    .filter(({ name }) => names.has(name))
    .map(({ name, title }) => `${name}: ${title}`)
    .join('; ');
}

/** One chart for each phase that was measured, by file name. */
function charts({ runs }: Results): Map<string, string> {
  const made = new Map<string, string>();
  const summaries = summarize(runs);
  for (const phase of new Set(summaries.map((each) => each.phase))) {
    const own = summaries.filter((each) => each.phase === phase);
    const [unit, value] = unitOf(phase);
    const headings = [...new Set(own.map(({ workload = '' }) => workload))];
    const groups: Group[] = headings.map((heading) => ({
      heading,
      bars: own
        .filter(({ workload = '' }) => workload === heading)
        .map((each) => ({
          label: each.contestant,
          value: value(each) ?? 0,
          isOwn: each.contestant.startsWith('rowcast'),
        })),
    }));
    made.set(`${phase}.svg`, barChart(TITLES[phase], unit, groups));
  }
  return made;
}

const TITLES: Readonly<Record<Phase, string>> = {
  source: 'From the WAL to the log',
  sink: 'From the log to the replica',
  'end-to-end': 'From the WAL to the replica',
  snapshot: 'A copy of a table to the log',
  'latency-1k': 'From commit to commit, 1,000 transactions a second',
  'latency-5k': 'From commit to commit, 5,000 transactions a second',
  start: 'From the start of the process to the first row',
};

function unitOf(phase: Phase): [string, (summary: Summary) => number | undefined] {
  if (phase === 'start') return ['seconds', ({ seconds }) => seconds];
  if (phase.startsWith('latency')) return ['p99 in milliseconds', ({ latency }) => latency?.p99];
  return ['rows per second', ({ rowsPerSecond }) => rowsPerSecond];
}
