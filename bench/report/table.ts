import type { Run } from '../measurement.ts';
import { type Summary, summarize } from '../summary.ts';

/** The cells of a line of a table. */
export type Row = readonly string[];

const HEAD: Row = [
  '',
  'phase',
  'who',
  'rows/s',
  'range',
  'MB/s',
  'p50 / p99 / p99.9 ms',
  'CPU-s per 1M rows',
  'peak MB',
  'equal',
];

/** The summaries as a Markdown table, which is also what a terminal shows. */
export function table(summaries: readonly Summary[]): string {
  return markdown([HEAD, ...summaries.map(rowOf)], 3);
}

/** Rows as a Markdown table; columns that are empty but for their heads are left out, but for the first ones. */
export function markdown(rows: readonly Row[], first: number): string {
  const used = (rows[0] ?? []).map((_, column) => column < first || rows.slice(1).some((row) => row[column] !== ''));
  const kept = rows.map((row) => row.filter((_, column) => used[column]));
  const widths = (kept[0] ?? []).map((_, column) => Math.max(3, ...kept.map((row) => row[column]?.length ?? 0)));
  const text = (row: Row): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [text(kept[0] ?? []), rule, ...kept.slice(1).map(text)].join('\n');
}

/** One run, for people who wait. */
export function line(run: Run): string {
  const [summary] = summarize([run]);
  const [workload, phase, who, rate, , megabytes, latency, cpu, peak, equal] = rowOf(summary as Summary);
  const parts = [
    rate && `${rate} rows/s`,
    run.met && `all tables met after ${run.met.seconds.toFixed(2)} s`,
    megabytes && `${megabytes} MB/s`,
    latency && `${latency} ms`,
    cpu && `CPU ${cpu}`,
    peak && `peak ${peak} MB`,
  ];
  const more = [equal === 'yes' ? 'equal' : '', run.phase === 'start' ? `${run.seconds?.toFixed(2)} s` : ''];
  return `  ${[workload, phase, who, `#${run.repeat}:`].join(' ')} ${[...more, ...parts].filter(Boolean).join(', ')}`;
}

function rowOf(summary: Summary): Row {
  const {
    contestant,
    rowsPerSecond,
    range,
    megabytesPerSecond,
    latency,
    cpu,
    peakBytes,
    isEqual,
    profile,
    seconds,
    phase,
    workload = '',
  } = summary;
  const rate = phase === 'start' ? `${seconds?.toFixed(2)} s` : whole(rowsPerSecond);
  return [
    latency || phase === 'start' ? '' : workload,
    phase,
    profile === undefined ? contestant : `${contestant} (${profile})`,
    rate,
    range === undefined || range[0] === range[1] ? '' : `${whole(range[0])}-${whole(range[1])}`,
    megabytesPerSecond === undefined ? '' : megabytesPerSecond.toFixed(1),
    latency === undefined ? '' : [latency.p50, latency.p99, latency.p999].map((ms) => ms.toFixed(1)).join(' / '),
    phase === 'start' ? '' : byProcess(cpu) + (latency ? ' cores' : ''),
    peakBytes === undefined ? '' : whole(peakBytes / 1024 / 1024),
    isEqual === undefined ? '' : isEqual ? 'yes' : 'NO',
  ];
}

/** `broker 1.00, daemon 2.00`. */
export function byProcess(cpu: Readonly<Record<string, number>>): string {
  return Object.entries(cpu)
    .map(([process, used]) => `${process} ${used.toFixed(2)}`)
    .join(', ');
}

/** With spaces between thousands. */
export function whole(value: number | undefined): string {
  return value === undefined ? '' : Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
}
