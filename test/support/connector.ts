import { type ConnectorFile, readConnector } from '../../src/connector/connector-file.ts';
import type { Environment } from '../../src/connector/reference.ts';
import { OperatorError } from '../../src/errors.ts';

/** The connector of a file's text. Throws an OperatorError that lists all its problems. */
export function parseConnector(file: string, json: string, env: Environment): ConnectorFile {
  const read = readConnector(file, json, env);
  if ('connector' in read) return read.connector;
  throw new OperatorError(read.problems.map((problem) => `${file}: ${problem}`).join('\n'));
}
