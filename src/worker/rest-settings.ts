import { type Prefixed, withPrefix } from '../connector/member-prefix.ts';
import { choice, declare, optional, secret, type Setting, type SettingsOf } from '../connector/setting.ts';
import { type TlsSettings, tlsSettings } from '../connector/tls-settings.ts';
import { OperatorError } from '../errors.ts';
import type { HttpsConfig, WorkerConfig } from './worker-config.ts';

/** Where the daemon listens; the parts of one `http://host:port`. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly isHttps: boolean;
}

/** TLS of a listener: whether the host of a client's certificate is right is never asked. */
export type ListenerTls = Omit<TlsSettings, 'verifyHostname'>;

/** What is said of the REST API, setting by setting. */
export type RestSettings = Prefixed<'https', ListenerTls> & {
  readonly listener: Listener | undefined;
  readonly httpsClientAuth: HttpsConfig['clientAuth'];
  readonly restAuthentication: 'none' | 'basic' | 'bearer' | undefined;
  readonly restCredentials: string | undefined;
  readonly restConnectors: WorkerConfig['restConnectors'];
};

/** What Connect's settings of an https listener begin with. */
export const HTTPS_PREFIX = 'listeners.https.';

const effect = 'daemon';

/** The settings of the group REST, with Connect's names where it has them. */
export function restSettings(): SettingsOf<RestSettings> {
  const { verifyHostname: _, ...tls } = tlsSettings(HTTPS_PREFIX, 'REST', effect, 'listener');
  return {
    listener: listener('listeners'),
    restAuthentication: optional(
      choice('rest.authentication', ['none', 'basic', 'bearer'], {
        group: 'REST',
        effect,
        doc: 'Who may use the REST API: everybody who reaches it, who has the password (basic), or who has the token (bearer). Must be said when listeners is open to other machines and asks for no client certificates; none otherwise.',
      }),
    ),
    restCredentials: optional(
      secret('rest.credentials', { group: 'REST', effect, doc: 'user:password for basic, the token for bearer.' }),
    ),
    restConnectors: choice('rest.connectors', ['write', 'read-only'], {
      group: 'REST',
      effect,
      default: 'write',
      doc: 'What becomes of requests that create, change or delete connectors: write: their files are written and removed; read-only: refused, with the file to change instead. Pause, resume, stop and restart work in both.',
    }),
    httpsClientAuth: choice(`${HTTPS_PREFIX}ssl.client.auth`, ['none', 'requested', 'required'], {
      group: 'REST',
      effect,
      importance: 'low',
      default: 'none',
      doc: 'Whether clients show a certificate: none: they are not asked; requested: one that is shown must be trusted; required: nobody is let in without one.',
    }),
    ...withPrefix('https', tls),
  };
}

function listener(key: string): Setting<Listener | undefined> {
  const spec = {
    group: 'REST',
    effect,
    default: 'http://127.0.0.1:8083',
    doc: 'Where the REST API, the schema registry, health and metrics are served: one http://host:port, or https://host:port with a certificate in listeners.https.ssl.keystore.location. Port 0 is any free one; empty: nothing is served.',
  } as const;
  return declare(key, 'STRING', spec, (value) => {
    if (value === '') return undefined;
    const [, scheme, host, port] = /^(https?):\/\/(\[[0-9a-fA-F:]+\]|[^\s:/@,[\]]*):(\d{1,5})\/?$/i.exec(value) ?? [];
    if (host === undefined || Number(port) > 65535) {
      throw new OperatorError('must be one http://host:port or https://host:port, or empty');
    }
    const isHttps = scheme?.toLowerCase() === 'https';
    return { host: host.replace(/^\[|\]$/g, '') || '0.0.0.0', port: Number(port), isHttps };
  });
}
