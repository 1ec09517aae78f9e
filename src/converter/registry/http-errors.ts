import { OperatorError, TransientError } from '../../errors.ts';
import { SchemaRefused } from '../converter.ts';
import { UnusableAnswer } from './http-exchange.ts';

/** Where a registry is, for a person: never with credentials. */
export interface RegistryPlace {
  /** `http://host:port/path` */
  readonly url: string;
  /** What the names of its settings begin with: `schema.registry.`, `value.converter.schema.registry.`. */
  readonly prefix: string;
}

/** What was asked: `action` continues "cannot", as in `look up schema 7`. */
export interface Question {
  readonly action: string;
  readonly subject: string | undefined;
}

/** Node's codes for a certificate that is not trusted. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

/** What a failed exchange means: a network that recovers, or settings that a person has to mend. Throws what is neither: a bug. */
export function exchangeError(error: unknown, { url, prefix }: RegistryPlace): OperatorError | TransientError {
  const fail = (message: string, advice: string): OperatorError =>
    new OperatorError(`Schema registry ${url} ${message}`, { cause: error, advice });
  if (error instanceof UnusableAnswer) {
    return fail('does not answer as one', `Set ${prefix}url to the registry itself; nothing else is followed.`);
  }
  const code = codeOf(error);
  if (code === '') throw error;
  if (UNTRUSTED.has(code)) {
    const advice = `Put the authority's certificate (PEM) into ${prefix}ssl.truststore.location.`;
    return fail('has a certificate that is not trusted', advice);
  }
  if (code === 'CERT_HAS_EXPIRED') return fail('has an expired certificate', 'Renew it on the registry.');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const advice = `Use a name that its certificate has in ${prefix}url, or set ${prefix}ssl.endpoint.identification.algorithm to an empty text.`;
    return fail('has a certificate for another host', advice);
  }
  if (/^EPROTO$|WRONG_VERSION_NUMBER|PACKET_LENGTH/.test(code)) {
    return fail('does not speak TLS', `Use http:// in ${prefix}url.`);
  }
  if (/ALERT/.test(code)) {
    return fail(
      'refused the TLS connection',
      `Does it ask for a client certificate? ${prefix}ssl.keystore.location names one.`,
    );
  }
  if (/^ERR_(OSSL|SSL|CRYPTO|TLS)/.test(code)) {
    return fail('cannot be reached with these TLS settings', `Look at ${prefix}ssl.*: keys and certificates are PEM.`);
  }
  if (code.startsWith('HPE_')) return fail('does not speak HTTP', `Is ${prefix}url right, and does it need https://?`);
  return new TransientError(`Schema registry ${url} cannot be reached`, {
    cause: error,
    advice: `Is ${prefix}url right?`,
  });
}

/** What an answer other than 200 means. */
export function statusError(
  status: number,
  body: string,
  place: RegistryPlace,
  { action, subject }: Question,
): OperatorError | TransientError {
  const { url, prefix } = place;
  const { code, message } = said(body);
  const told = message === undefined ? '' : `: ${message}`;
  const fail = (why: string, advice: string): OperatorError =>
    new OperatorError(`Schema registry ${url} ${why}${told}`, { advice });
  if (status >= 500 || status === 429 || status === 408) {
    return new TransientError(`Schema registry ${url} cannot ${action} now: it answers ${status}${told}`);
  }
  if (status === 401)
    return fail('does not accept the credentials', `Set ${prefix}basic.auth.user.info to user:password.`);
  if (status === 403) {
    return fail(`does not allow the user of ${prefix}basic.auth.user.info to ${action}`, 'Grant it there.');
  }
  if (status === 409) return incompatible(place, subject ?? '', told);
  if (status === 404 && code === undefined) {
    const advice = `Set ${prefix}url to where its Confluent API begins, for Apicurio http://host:port/apis/ccompat/v7.`;
    return fail('has no schema registry API at that path', advice);
  }
  if (status === 404) {
    const advice = `The record was written with another registry, or the schema was deleted: is ${prefix}url that of its writer?`;
    return fail(`cannot ${action}`, advice);
  }
  return fail(
    `cannot ${action}: it answers ${status}`,
    'Look at the registry: it must take Avro schemas and new versions.',
  );
}

/** The table has changed already; what the level forbids is for a person to allow. */
function incompatible({ url }: RegistryPlace, subject: string, told: string): SchemaRefused {
  const target = `${url}/config/${encodeURIComponent(subject)}`.replaceAll("'", '%27');
  const command = `curl -X PUT -H 'Content-Type: application/vnd.schemaregistry.v1+json' --data '{"compatibility": "NONE"}' '${target}'`;
  return new SchemaRefused(`Schema registry ${url} finds the new schema of subject "${subject}" incompatible${told}`, {
    advice: `The table has changed already, so its rows need the new schema: set schema.evolution.on.incompatible to force, or ${command} (with -u user:password where it asks for one).`,
  });
}

const MAX_MESSAGE = 500;

/** Confluent's `{error_code, message}`, as far as it is that. */
function said(body: string): { readonly code: number | undefined; readonly message: string | undefined } {
  try {
    const { error_code: code, message } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    return {
      code: typeof code === 'number' ? code : undefined,
      message: typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : undefined,
    };
  } catch {
    // A proxy's page: it says nothing that the status does not.
    return { code: undefined, message: undefined };
  }
}

/** Errors of sockets, TLS and HTTP have a code, and time that is up has a name. */
function codeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return error.name;
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
