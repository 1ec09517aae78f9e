import type { Results } from '../measurement.ts';

/** The commands that have measured, when, and on what. */
export function howMeasured({ conditions }: Results): string {
  const { command, date, commit, processor, cores, memoryBytes, system, versions } = conditions;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `\`\`\`sh
${command.replaceAll(/ --out \S+/g, '')}
\`\`\`

- ${date.slice(0, 10)}, commit ${commit}
- ${processor}, ${cores} cores, ${Math.round(memoryBytes / 1024 ** 3)} GiB, ${system}
- ${programs.join(', ')}`;
}
