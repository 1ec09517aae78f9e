import { choice, declare, flag, optional, secret, type Setting, type SettingsOf, text } from '../connector/setting.ts';
import { OperatorError } from '../errors.ts';
import { type JaasLogin, parseJaas } from './jaas.ts';

/** How to log in to Kafka, setting by setting. */
export interface SaslSettings {
  readonly saslMechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | undefined;
  readonly saslJaas: JaasLogin | undefined;
  readonly saslUsername: string | undefined;
  readonly saslPassword: string | undefined;
  readonly oauthEndpoint: string | undefined;
  readonly oauthClientId: string | undefined;
  readonly oauthClientSecret: string | undefined;
  readonly oauthScope: string | undefined;
  readonly oauthUrlEncodes: boolean;
}

const effect = 'daemon';
const group = 'Kafka security';

/** The settings below `sasl.`, with the names that Kafka's clients have for them. */
export function saslSettings(): SettingsOf<SaslSettings> {
  return {
    saslMechanism: optional(
      choice('sasl.mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'], {
        group,
        effect,
        foreseen: ['GSSAPI', 'AWS_MSK_IAM'],
        doc: 'How the user logs in; required with a SASL protocol.',
      }),
    ),
    saslJaas: optional(
      declare(
        'sasl.jaas.config',
        'PASSWORD',
        {
          group,
          effect,
          doc: 'User and password as a Java client has them, in a PlainLoginModule or ScramLoginModule; clientId, clientSecret and scope in an OAuthBearerLoginModule.',
        },
        parseJaas,
      ),
    ),
    saslUsername: optional(text('sasl.username', { group, effect, doc: 'User, where there is no sasl.jaas.config.' })),
    saslPassword: optional(secret('sasl.password', { group, effect, doc: 'Password of sasl.username.' })),
    ...oauthSettings(),
  };
}

type OAuthSettings = Pick<SaslSettings, keyof SaslSettings & `oauth${string}`>;

function oauthSettings(): SettingsOf<OAuthSettings> {
  const spec = { group, effect, importance: 'low' } as const;
  const key = 'sasl.oauthbearer.';
  return {
    oauthEndpoint: optional(endpoint(`${key}token.endpoint.url`)),
    oauthClientId: optional(
      text(`${key}client.credentials.client.id`, {
        ...spec,
        doc: 'Client id, where there is none in sasl.jaas.config.',
      }),
    ),
    oauthClientSecret: optional(
      secret(`${key}client.credentials.client.secret`, { ...spec, doc: 'Secret of that client.' }),
    ),
    oauthScope: optional(text(`${key}scope`, { ...spec, doc: 'Scope that is asked for.' })),
    oauthUrlEncodes: flag(`${key}header.urlencode`, {
      ...spec,
      default: 'false',
      doc: 'Send id and secret URL-encoded, as RFC 6749 wants it; some providers do not take that.',
    }),
  };
}

function endpoint(key: string): Setting<string> {
  const doc =
    "Where OAUTHBEARER's tokens come from, by the client credentials grant; one is used until shortly before it expires. An endpoint on https is trusted by ssl.truststore, or the system's authorities.";
  return declare(key, 'STRING', { group, effect, doc }, (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) throw new OperatorError('must be https://host/path');
    if (url.username !== '' || url.password !== '') throw new OperatorError('must hold no user and password');
    return value;
  });
}
