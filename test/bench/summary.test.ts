import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Results, Run } from '../../bench/measurement.ts';
import { document, writeDocument } from '../../bench/report/document.ts';
import { growthCharts, growthPage, growthTable } from '../../bench/report/growth.ts';
import { ratioLines, ratios, summarize } from '../../bench/summary.ts';

function run(contestant: Run['contestant'], more: Partial<Run>): Run {
  return { phase: 'source', workload: 'W1', contestant, repeat: 1, rows: 1_000_000, seconds: 4, cpu: {}, ...more };
}

const runs: readonly Run[] = [
  run('pg_recvlogical', { seconds: 8, cpu: { client: 2 } }),
  run('rowcast', { seconds: 4, cpu: { daemon: 6 }, peakBytes: 100 }),
  run('rowcast', { seconds: 40, cpu: { daemon: 9 }, peakBytes: 300, repeat: 2 }),
  run('rowcast', { seconds: 5, cpu: { daemon: 7 }, peakBytes: 200, repeat: 3 }),
  run('rowcast', { phase: 'sink', workload: 'W1u', seconds: 2, isEqual: true }),
  run('debezium', { phase: 'sink', workload: 'W1u', seconds: 8, isEqual: true }),
  {
    phase: 'latency-1k',
    contestant: 'native',
    repeat: 1,
    seconds: 20,
    cpu: { apply: 2 },
    latency: { transactions: 9, p50: 1, p99: 4, p999: 5, max: 9 },
  },
  {
    phase: 'latency-1k',
    contestant: 'rowcast',
    repeat: 1,
    seconds: 20,
    cpu: { daemon: 10 },
    latency: { transactions: 9, p50: 2, p99: 8, p999: 9, max: 9 },
  },
];

test('medians count, of memory the highest peak, and CPU-seconds are per million rows', () => {
  const [rowcast] = summarize(runs);
  expect(rowcast).toMatchObject({
    contestant: 'rowcast',
    repeats: 3,
    rowsPerSecond: 200_000,
    range: [25_000, 250_000],
    cpu: { daemon: 7 },
    peakBytes: 300,
  });
});

test('each ratio has a line of its own, and is above 1 where Rowcast is better', () => {
  expect(ratioLines(ratios(summarize(runs)))).toEqual([
    'ratio W1 source pg_recvlogical 1.60',
    'ratio W1u sink debezium 4.00',
    'ratio W1 latency-1k native 0.50',
  ]);
});

const conditions = {
  date: '2026-11-21T10:00:00Z',
  command: 'npm run bench -- --repeat 3',
  commit: 'abc1234',
  processor: 'A processor',
  cores: 2,
  memoryBytes: 24 * 1024 ** 3,
  system: 'Linux 6',
  versions: { node: '20', postgres: '15' },
};

test('the page names the command and the conditions, and shows every contestant', () => {
  const results: Results = { conditions, repeat: 3, runs };
  const page = document(results);
  expect(page).toContain('npm run bench -- --repeat 3');
  expect(page).toContain('A processor, 2 cores, 24 GiB');
  expect(page).toMatch(/\| W1 +\| source +\| pg_recvlogical +\| 125 000/);
  expect(page).toContain('![source](performance/source.svg)');
  expect(page).toContain('ratio W1u sink debezium 4.00');
});

test('how the cost grows has a table and charts of its own, in the order of the points, with the cost of a GB', () => {
  const grown = [1_000, 10].map((value) =>
    run('rowcast', {
      phase: 'end-to-end',
      workload: `tables ${value}`,
      growth: { axis: 'tables', value },
      rows: 500_000,
      bytes: 50_000_000,
      cpu: { daemon: 2 },
      isEqual: true,
    }),
  );
  const summaries = summarize([...runs, ...grown]);
  expect(summaries.map(({ growth }) => growth?.value).filter(Boolean)).toEqual([10, 1_000]);
  expect(growthTable(summaries).split('\n').slice(2)).toEqual([
    expect.stringMatching(
      /^\| 10 tables +\| end-to-end \| rowcast \| 125 000 \| 12.5 \| daemon 4.00 +\| daemon 40.00 +\| yes/,
    ),
    expect.stringMatching(/^\| 1 000 tables/),
  ]);
  expect([...growthCharts(summaries).keys()]).toEqual(['growth-tables.svg']);
  const results: Results = { conditions, repeat: 3, runs: grown };
  expect(growthPage(results)).toContain('![growth-tables](performance/growth-tables.svg)');
});

test('each of the two pages is made of its own runs and commands, and stays as it is when there are none', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rowcast-pages-'));
  onTestFinished(async () => await rm(root, { recursive: true }));
  const growth = { axis: 'tables', value: 10 } as const;
  const grown = run('rowcast', { phase: 'end-to-end', workload: 'tables 10', growth, isEqual: true });
  const command = 'npm run bench -- --growth tables';
  await writeDocument(root, { conditions: { ...conditions, command }, repeat: 1, runs: [grown] });
  const docs = join(root, 'docs');
  expect(await readdir(docs)).toEqual(['performance', 'performance-growth.md']);
  const both = { ...conditions, command: `npm run bench -- --repeat 3\n${command}` };
  await writeDocument(root, { conditions: both, repeat: 1, runs: [...runs, grown] });
  const [page, growthOne] = await Promise.all(
    ['performance.md', 'performance-growth.md'].map((name) => readFile(join(docs, name), 'utf8')),
  );
  expect(page).toContain('npm run bench -- --repeat 3');
  expect(page).not.toContain('--growth');
  expect(page).not.toContain('10 tables');
  expect(growthOne).toContain(command);
  expect(growthOne).not.toContain('--repeat 3');
  expect(growthOne).not.toContain('pg_recvlogical');
});
