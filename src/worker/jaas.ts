import { OperatorError } from '../errors.ts';

/** What a login module says: user and password, or a client of OAuth. */
export type JaasLogin =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | {
      readonly kind: 'oauth';
      /** Undefined: other settings say it. */
      readonly clientId: string | undefined;
      readonly clientSecret: string | undefined;
      readonly scope: string | undefined;
      /** What the broker is told beside the token, from `extension_…`. */
      readonly extensions: Readonly<Record<string, string>>;
    };

const MODULE = /^\s*([\w.]+)\s+(?:required|requisite|sufficient|optional)\b/;
/** A name is looked at from its beginning alone: from each of its letters, a long one would take as many looks as its square. */
const OPTION = /(?<![\w.])([\w.]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/g;

/**
 * Reads a JAAS entry as Kafka's `sasl.jaas.config` has it: `…PlainLoginModule required username="…" password="…";`. Throws OperatorError
 * whose message continues "sasl.jaas.config …" and holds nothing of the entry but the name of its module.
 * @see https://kafka.apache.org/documentation/#security_sasl_jaasconfig
 */
export function parseJaas(entry: string): JaasLogin {
  const module = MODULE.exec(entry)?.[1];
  const form = '…ScramLoginModule required username="…" password="…";';
  if (module === undefined) throw new OperatorError(`must be ${form}`);
  const kind = /\.(Plain|Scram|OAuthBearer)LoginModule$/.exec(module)?.[1];
  if (kind === undefined) {
    throw new OperatorError(`names ${module}; there are PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule`);
  }
  const options = optionsOf(entry);
  if (kind === 'OAuthBearer') return oauthLogin(options);
  const [username, password] = [options.get('username'), options.get('password')];
  if (username === undefined || password === undefined) {
    throw new OperatorError(`has no ${username === undefined ? 'username' : 'password'}: it is written ${form}`);
  }
  return { kind: 'password', username, password };
}

function optionsOf(entry: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const [, name = '', double, single, bare] of entry.matchAll(OPTION)) {
    options.set(name, double !== undefined ? unquote(double) : single !== undefined ? unquote(single) : (bare ?? ''));
  }
  return options;
}

/** Names and values of extensions are letters only, and some marks: both are refused where they could end their field. */
function oauthLogin(options: ReadonlyMap<string, string>): JaasLogin {
  const extensions = [...options].flatMap(([name, value]) => {
    if (!name.startsWith('extension_')) return [];
    const key = name.slice('extension_'.length);
    if (/^[A-Za-z]+$/.test(key) && key !== 'auth' && /^[\x21-\x7e \t\r\n]+$/.test(value))
      return [[key, value] as const];
    throw new OperatorError(`has an extension that cannot be sent: ${name}`);
  });
  return {
    kind: 'oauth',
    clientId: options.get('clientId'),
    clientSecret: options.get('clientSecret'),
    scope: options.get('scope'),
    extensions: Object.fromEntries(extensions),
  };
}

function unquote(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}
