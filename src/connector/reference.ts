import { readFileSync } from 'node:fs';
import { OperatorError } from '../errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const REFERENCE = /\$\{(env|file):([^}]*)\}/g;

/**
 * Replaces `${env:NAME}` by the variable and `${file:path:key}` by the key's value in a properties file. Throws OperatorError,
 * whose message continues "<key> …", when there is no such variable, file or key; it names them and never a value.
 */
export function resolveReferences(text: string, env: Environment): string {
  return text.replace(REFERENCE, (_, kind: string, name: string) =>
    kind === 'env' ? fromEnvironment(name, env) : fromFile(name),
  );
}

/** True when the text holds a reference, so that its resolved value may be a secret. */
export function hasReference(text: string): boolean {
  return text.search(REFERENCE) >= 0;
}

function fromEnvironment(name: string, env: Environment): string {
  const value = env[name];
  if (value === undefined) throw new OperatorError(`refers to the environment variable ${name}, which is not set`);
  return value;
}

function fromFile(name: string): string {
  const colon = name.lastIndexOf(':');
  if (colon < 0) throw new OperatorError('has a file reference without a key: it is written ${file:path:key}');
  const path = name.slice(0, colon);
  const key = name.slice(colon + 1);
  const value = readProperties(path).get(key);
  if (value === undefined) throw new OperatorError(`refers to the key ${key} of ${path}, which is not there`);
  return value;
}

/** The `key=value` lines of a Java properties file, without its escapes; `#` and `!` begin comments. */
function readProperties(path: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of read(path).split(/\r?\n/)) {
    const found = /^\s*([^#!\s=:][^=:\s]*)\s*[=:\s]\s*(.*)$/.exec(line);
    if (found) properties.set(found[1] as string, found[2] as string);
  }
  return properties;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OperatorError(`refers to the file ${path}, which cannot be read`, { cause });
  }
}
