import { OperatorError } from '../errors.ts';

/** User and password of a login module. */
export interface JaasLogin {
  readonly username: string;
  readonly password: string;
}

const MODULE = /^\s*([\w.]+)\s+(?:required|requisite|sufficient|optional)\b/;
const OPTION = /([\w.]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/g;

/**
 * Reads a JAAS entry as Kafka's `sasl.jaas.config` has it: `…PlainLoginModule required username="…" password="…";`. Throws OperatorError
 * whose message continues "sasl.jaas.config …" and holds nothing of the entry but the name of its module.
 * @see https://kafka.apache.org/documentation/#security_sasl_jaasconfig
 */
export function parseJaas(entry: string): JaasLogin {
  const module = MODULE.exec(entry)?.[1];
  const form = '…ScramLoginModule required username="…" password="…";';
  if (module === undefined) throw new OperatorError(`must be ${form}`);
  if (!/\.(Plain|Scram)LoginModule$/.test(module)) {
    throw new OperatorError(`names ${module}; there are PlainLoginModule and ScramLoginModule`);
  }
  const options = new Map<string, string>();
  for (const [, name = '', double, single, bare] of entry.matchAll(OPTION)) {
    options.set(name, double !== undefined ? unquote(double) : single !== undefined ? unquote(single) : (bare ?? ''));
  }
  const [username, password] = [options.get('username'), options.get('password')];
  if (username === undefined || password === undefined) {
    throw new OperatorError(`has no ${username === undefined ? 'username' : 'password'}: it is written ${form}`);
  }
  return { username, password };
}

function unquote(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}
