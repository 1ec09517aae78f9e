/** What stands in one cell. */
export type Verdict = 'passed' | 'FAILED' | 'skipped';

/** The table of a log: a line per source, a column per property. */
export function verdictTable(
  log: string,
  properties: readonly string[],
  verdicts: ReadonlyMap<string, ReadonlyMap<string, Verdict>>,
): string {
  const header = [`on ${log}`, ...properties];
  const lines = [...verdicts].map(([source, row]) => [source, ...properties.map((each) => row.get(each) ?? '')]);
  const widths = header.map((title, n) => Math.max(title.length, ...lines.map((line) => line[n]?.length ?? 0)));
  const print = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join(' | ')} |`;
  return [print(header), print(widths.map((width) => '-'.repeat(width))), ...lines.map(print)].join('\n');
}
