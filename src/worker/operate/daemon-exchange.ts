import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { text } from 'node:stream/consumers';
import { OperatorError, TransientError } from '../../errors.ts';
import type { ServingDaemon } from '../daemon-file.ts';
import type { HttpsConfig } from '../worker-config.ts';

/** Where a daemon is asked, and what it shows there. */
export type DaemonPlace = Pick<ServingDaemon, 'url' | 'certificate'>;

export interface DaemonRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface DaemonReply {
  readonly status: number;
  readonly text: string;
}

/**
 * One request to a daemon on this machine, and its whole answer; undefined when nobody answers at its address. Over TLS it is the daemon when
 * it shows the very certificate that it wrote into its file, whatever names stand in it: nobody else could write there. Where it asks for a
 * certificate it is shown its own, if the settings have it. Throws OperatorError or TransientError.
 */
export async function exchangeWithDaemon(
  { url, certificate }: DaemonPlace,
  https: HttpsConfig | undefined,
  { method = 'GET', path, headers, body }: DaemonRequest,
  signal: AbortSignal,
): Promise<DaemonReply | undefined> {
  const options = { method, headers: { ...headers }, agent: false as const, signal };
  try {
    const sent = url.startsWith('https:')
      ? requestHttps(url + path, { ...options, ...pinned(url, certificate), ...shown(https) })
      : requestHttp(url + path, options);
    sent.end(body);
    const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage];
    return { status: response.statusCode ?? 0, text: await text(response) };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OperatorError) throw error;
    if ((error as { readonly code?: string }).code === 'ECONNREFUSED') return undefined;
    throw failure(url, error);
  }
}

function pinned(url: string, certificate: string | undefined): ConnectionOptions & { allowPartialTrustChain: true } {
  if (certificate === undefined) {
    throw new OperatorError(`The daemon at ${url} has not said which certificate it shows`, {
      advice: 'It is of another version: use that one for its commands, or start it again with this one.',
    });
  }
  const { raw } = new X509Certificate(certificate);
  return {
    ca: certificate,
    allowPartialTrustChain: true, // the certificate itself is the root: its authorities are not asked
    checkServerIdentity: (_host: string, shown: PeerCertificate) =>
      raw.equals(shown.raw) ? undefined : new OtherCertificate('it shows another certificate'),
  };
}

class OtherCertificate extends Error {}

function shown(https: HttpsConfig | undefined): ConnectionOptions {
  if (https === undefined || https.clientAuth === 'none') return {};
  const { cert, key, keyPassword } = https;
  return { cert, key, ...(keyPassword === undefined ? {} : { passphrase: keyPassword }) };
}

/** What keeps happening until somebody does something is for a person. */
function failure(url: string, cause: unknown): OperatorError | TransientError {
  const { code = '' } = cause as { readonly code?: string };
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code)) {
    return new OperatorError(`The certificate of the daemon at ${url} is not valid now`, {
      cause,
      advice: 'Name a valid one in listeners.https.ssl.keystore.location and start the daemon again.',
    });
  }
  if (/ALERT/.test(code)) {
    return new OperatorError(`The daemon at ${url} asks for a client certificate, and accepts none of this command`, {
      cause,
      advice: `To be let in, ${ACCEPTED}`,
    });
  }
  if (cause instanceof OtherCertificate || /CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return new OperatorError(`Another program than the daemon answers at ${url}`, {
      cause,
      advice: 'It shows another certificate than the one in daemon.json; find out what listens there.',
    });
  }
  // Who is not let in may hear of a lost connection before it hears why.
  const isRefused = code === 'ECONNRESET' && url.startsWith('https:');
  const more = isRefused ? { advice: `If listeners.https.ssl.client.auth is required: ${ACCEPTED}` } : {};
  return new TransientError(`The daemon at ${url} did not answer`, { cause, ...more });
}

const ACCEPTED =
  'give this command the settings of the daemon (--config, ROWCAST_*); it shows the certificate of listeners.https.ssl.keystore.location, which must be one for clients too, by an authority of listeners.https.ssl.truststore.location.';
