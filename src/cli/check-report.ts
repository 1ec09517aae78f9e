import type { Finding } from '../finding.ts';
import type { ConnectorFinding } from '../worker/preflight.ts';

const SIGNS: Readonly<Record<Finding['level'], string>> = { ok: '✓', warning: '!', problem: '✗', unknown: '?' };
/** What is worst stands first. */
const ORDER: readonly Finding['level'][] = ['problem', 'unknown', 'warning', 'ok'];

/** 1 with a problem, 3 when something could not be looked at, else 0. */
export function exitCodeOf(findings: readonly Finding[]): number {
  if (findings.some(({ level }) => level === 'problem')) return 1;
  return findings.some(({ level }) => level === 'unknown') ? 3 : 0;
}

/** The findings for a person: by connector, each with what mends it below; what is in order is counted, or listed when `verbose`. */
export function renderFindings(findings: readonly ConnectorFinding[], verbose: boolean): string {
  const groups = new Map<string | undefined, ConnectorFinding[]>();
  for (const finding of findings) {
    const group = groups.get(finding.connector) ?? [];
    groups.set(finding.connector, group);
    group.push(finding);
  }
  const lines: string[] = [];
  for (const [connector, group] of groups) lines.push(...renderGroup(connector ?? 'the daemon', group, verbose), '');
  return `${[...lines, totals(findings)].join('\n')}\n`;
}

function renderGroup(title: string, findings: readonly Finding[], verbose: boolean): readonly string[] {
  const lines = [title];
  for (const level of ORDER) {
    const some = findings.filter((finding) => finding.level === level);
    if (level === 'ok' && !verbose) {
      if (some.length > 0) lines.push(`  ${SIGNS.ok} ${counted(some.length, 'check')} in order`);
    } else lines.push(...some.flatMap(renderFinding));
  }
  return lines;
}

function renderFinding({ level, object, message, fix }: Finding): readonly string[] {
  const head = `  ${SIGNS[level]} ${object}: ${message}`;
  return fix === undefined ? [head] : [head, ...fix.split('\n').map((line) => `      ${line}`)];
}

function totals(findings: readonly Finding[]): string {
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  return [
    counted(count('problem'), 'problem'),
    counted(count('warning'), 'warning'),
    `${count('unknown')} not looked at`,
    `${count('ok')} in order`,
  ].join(', ');
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
