import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Conditions, Phase, Results, Run } from '../measurement.ts';
import { ratioLines, ratios, type Summary, summarize } from '../summary.ts';
import { WORKLOADS } from '../workloads.ts';
import { barChart, type Group } from './chart.ts';
import { growthCharts, growthPage } from './growth.ts';
import { table } from './table.ts';

/** Writes docs/performance.md and its charts from measured numbers; returns the files that it made. */
export async function writeDocument(root: string, results: Results): Promise<string[]> {
  const folder = join(root, 'docs', 'performance');
  await mkdir(folder, { recursive: true });
  const made: string[] = [];
  for (const [name, svg] of [...charts(results), ...growthCharts(summarize(results.runs))]) {
    made.push(join(folder, name));
    await writeFile(join(folder, name), svg);
  }
  const page = join(root, 'docs', 'performance.md');
  await writeFile(page, document(results));
  return [...made, page];
}

/** The page: nothing in it is written by hand but the words. */
export function document(results: Results): string {
  const { conditions, runs, repeat } = results;
  const all = summarize(runs);
  const summaries = all.filter(({ growth }) => growth === undefined);
  const pictures = [...charts(results).keys()].map((name) => `![${name.replace(/\.svg$/, '')}](performance/${name})`);
  return `# Performance

*Made by \`npm run bench -- … --document\`: not to be edited.*

All numbers were measured on one machine, which sources, replicas, brokers and whoever moves the rows share. Contestants of one command
ran in turn, ${repeat === 1 ? 'once' : `${repeat} times`} each or more; medians over its runs in one command stand here, and only runs of one command are compared. After each run both sides are compared by content.

\`\`\`sh
${conditions.command.replaceAll(/ --out \S+/g, '')}
\`\`\`

${conditionLines(conditions).join('\n')}

Workloads: ${workloads(runs)}. Rows of a workload are loaded before anything runs, and everybody finds the whole of them. Rates of Debezium are between its first and
its last row, so that Java's start does not count; those of Rowcast and Postgres begin with the stream. MB are the text of rows. CPU of latencies is how
many cores were busy. One broker serves all runs of a command; it is warmed up before the first.

${pictures.join('\n')}

${table(summaries)}

How Rowcast stands to the others; above 1 it is better. Of latencies it is the p99, of the start the time.

\`\`\`
${ratioLines(ratios(summaries)).join('\n')}
\`\`\`
${growthPage(all)}`;
}

function conditionLines({ date, commit, processor, cores, memoryBytes, system, versions }: Conditions): string[] {
  return [
    `- ${date.slice(0, 10)}, commit ${commit}`,
    `- ${processor}, ${cores} cores, ${Math.round(memoryBytes / 1024 ** 3)} GiB, ${system}`,
    `- ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}`,
  ];
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
  const summaries = summarize(runs).filter(({ growth }) => growth === undefined);
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
