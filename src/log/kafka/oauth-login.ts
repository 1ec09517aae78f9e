import { OperatorError } from '../../errors.ts';
import type { OAuthToken } from './oauth-token.ts';

/** What kafkajs hands a way to log in (kafkajs/src/broker/saslAuthenticator): one step of it, whose bytes have their length before them. */
export interface SaslSteps {
  saslAuthenticate(step: {
    readonly request: { encode(): Promise<Buffer> };
    readonly response: { decode(raw: Buffer): Promise<Buffer>; parse(answer: Buffer): Promise<Buffer> };
  }): Promise<Buffer>;
}

const LENGTH_BYTES = 4;
/** Between the fields; alone it is the answer to a refusal. */
const SEPARATOR = '\u0001';

/**
 * Logs in with a token. Kafkajs's own way takes the broker's refusal for a welcome: it comes as a challenge that has to be answered, and the
 * next request would be taken for that answer.
 * @see https://datatracker.ietf.org/doc/html/rfc7628#section-3
 */
export function oauthLogin(
  token: () => Promise<OAuthToken>,
): (steps: SaslSteps) => { readonly authenticate: () => Promise<void> } {
  return (steps) => ({
    async authenticate() {
      const { value, extensions } = await token();
      const fields = Object.entries(extensions).map(([name, text]) => `${name}=${text}`);
      const first = ['n,,', `auth=Bearer ${value}`, ...fields, '', ''].join(SEPARATOR);
      const challenge = await steps.saslAuthenticate(step(first));
      if (challenge.length <= LENGTH_BYTES) return;
      await steps.saslAuthenticate(step(SEPARATOR)); // throws with the broker's reason
      throw new OperatorError('Kafka refused the token, and gave no reason');
    },
  });
}

function step(text: string): Parameters<SaslSteps['saslAuthenticate']>[0] {
  const same = (bytes: Buffer): Promise<Buffer> => Promise.resolve(bytes);
  return { request: { encode: () => Promise.resolve(withLength(text)) }, response: { decode: same, parse: same } };
}

function withLength(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const bytes = Buffer.alloc(LENGTH_BYTES + length);
  bytes.writeInt32BE(length);
  bytes.write(text, LENGTH_BYTES);
  return bytes;
}
