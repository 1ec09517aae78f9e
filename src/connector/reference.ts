import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { readRegularFile } from '../regular-file.ts';
import { parseProperties } from './properties.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Of a file of secrets; who may write a config can name any file, also one that never ends. */
const MAX_SECRETS_BYTES = 1024 * 1024;

const REFERENCE = /\$\{([A-Za-z]\w*):([^}]*)\}/g;

/** What a reference leads to; `name` is the variable's, the key's or the file's. */
export interface Resolved {
  readonly name: string;
  readonly value: string;
}

/**
 * Replaces `${env:NAME}` by the variable, `${file:path:key}` by the key's value in a properties file, and `${dir:path:file}` by what the
 * file holds, without a line end behind it; paths are relative to the process. Throws OperatorError, whose message continues "<key> …",
 * when one leads nowhere; it names the reference and never a value. `found` hears what each led to.
 */
export function resolveReferences(text: string, env: Environment, found?: (resolved: Resolved) => void): string {
  return text.replace(REFERENCE, (_, provider: string, name: string) => {
    const value = lookUp(provider, name, env);
    found?.({ name: name.split(':').at(-1) as string, value });
    return value;
  });
}

/** True when the text holds a reference, so that only its resolved value tells what it is. */
export function hasReference(text: string): boolean {
  return text.search(REFERENCE) >= 0;
}

/** True when the text is one reference and nothing else: it can be shown, because it holds no secret itself. */
export function isReference(text: string): boolean {
  return /^\$\{(env|file|dir):[^{}]*\}$/.test(text.trim());
}

function lookUp(provider: string, name: string, env: Environment): string {
  if (provider === 'env') return fromEnvironment(name, env);
  if (provider === 'file') return fromProperties(name);
  if (provider === 'dir') return fromDirectory(name);
  throw new OperatorError(`refers to the config provider "${provider}"; there are env, file and dir`);
}

function fromEnvironment(name: string, env: Environment): string {
  const value = env[name];
  if (value === undefined) throw new OperatorError(`refers to the environment variable ${name}, which is not set`);
  return value;
}

function fromProperties(name: string): string {
  const [path, key] = split(name, '${file:path:key}');
  const value = parseProperties(read(path)).get(key);
  if (value === undefined) throw new OperatorError(`refers to the key ${key} of ${path}, which is not there`);
  return value;
}

/** A file directly in the directory: as Kafka's DirectoryConfigProvider, no way leads out of it. */
function fromDirectory(name: string): string {
  const [directory, file] = split(name, '${dir:path:file}');
  if (/[/\\]|^\.{0,2}$/.test(file)) throw new OperatorError(`refers to ${file} in ${directory}, which is no file name`);
  return read(join(directory, file)).replace(/\r?\n$/, '');
}

/** At the last colon, because a path may hold one. */
function split(name: string, form: string): readonly [string, string] {
  const colon = name.lastIndexOf(':');
  if (colon > 0) return [name.slice(0, colon), name.slice(colon + 1)];
  throw new OperatorError(`has an incomplete reference: it is written ${form}`);
}

function read(path: string): string {
  try {
    return readRegularFile(path, MAX_SECRETS_BYTES).toString('utf8');
  } catch (cause) {
    throw new OperatorError(`refers to the file ${path}, which cannot be read`, { cause });
  }
}
