import { type ReadFile, readConnectorPaths } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';

export interface ValidateOptions {
  readonly json?: boolean;
}

/** Prints what is wrong with the files: 0 when nothing is, else 1. Throws OperatorError when one cannot be read. */
export function runValidate(paths: readonly string[], options: ValidateOptions, env: Environment): number {
  const judged = readConnectorPaths(paths, env).map(judge);
  const text = options.json === true ? `${JSON.stringify(judged, undefined, 2)}\n` : judged.map(lines).join('');
  process.stdout.write(judged.length === 0 ? 'There are no connector files.\n' : text);
  return judged.length > 0 && judged.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

interface Judged {
  readonly file: string;
  readonly name: string | null;
  readonly class: string | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function judge(read: ReadFile): Judged {
  if (!('connector' in read)) {
    const { file, name = null, raw = {}, problems } = read;
    return { file, name, class: raw['connector.class'] ?? null, problems, warnings: [] };
  }
  const { name, raw, warnings } = read.connector;
  return { file: read.file, name, class: raw['connector.class'] ?? null, problems: [], warnings };
}

function lines({ file, name, problems, warnings }: Judged): string {
  const head = problems.length === 0 ? `${file}: ${name ?? ''} can be used` : `${file}: cannot be used`;
  const told = [...problems, ...warnings.map((each) => `warning: ${each}`)];
  return [head, ...told.map((each) => `  ${each}`), ''].join('\n');
}
