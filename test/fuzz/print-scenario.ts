import type { Scenario, Step } from './scenario.ts';

/** A scenario as SQL for people: what is not a statement is a comment. */
export function printScenario({ setting, types, tables, rows, steps }: Scenario): string {
  const lines = [
    `-- ${JSON.stringify(setting)}`,
    ...used(types, [...tables, ...[...rows, ...steps].map((step) => ('sql' in step ? step.sql : ''))].join('\n')),
    ...tables,
  ].map((sql) => (sql.startsWith('--') ? sql : `${sql};`));
  return [...lines, ...rows.map(printStep), '-- the first copy begins', ...steps.map(printStep)].join('\n');
}

function printStep(step: Step): string {
  switch (step.kind) {
    case 'sql':
      return `/* session ${step.session} */ ${shortened(step.sql)};`;
    case 'copy':
      return `/* session ${step.session} */ ${step.sql};\n${step.data}\\.`;
    case 'settle':
      return '-- the replica catches up';
    case 'start':
    case 'stop':
    case 'restart':
      return `-- ${step.kind} the ${step.task}`;
    default:
      return step satisfies never;
  }
}

/** Long runs of one letter are written as what they are. */
function shortened(sql: string): string {
  return sql.replaceAll(/'?(.)\1{200,}'?/gu, (run, letter: string) => {
    const isWhole = run.startsWith("'") && run.endsWith("'");
    const length = run.length - (isWhole ? 2 : 0);
    return isWhole ? `repeat('${letter}', ${length})` : `${letter}…(${length} times)`;
  });
}

/** The types that the statements speak of, as far as a look at the text tells. */
function used(types: readonly string[], text: string): readonly string[] {
  return types.filter((sql) => {
    const names = [...sql.matchAll(/create (?:type|domain|extension) (?:"([^"]+)"|(\w+))/g)].map((m) => m[1] ?? m[2]);
    return names.some((name) => text.includes(name as string)) || /create type (mood|pair) /.test(sql);
  });
}
