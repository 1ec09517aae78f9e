import { X509Certificate } from 'node:crypto';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type TlsOptions, type TLSSocket } from 'node:tls';
import { OperatorError } from '../../errors.ts';
import type { HttpsConfig, RestConfig } from '../worker-config.ts';

/** How long a client may take to agree on TLS. */
const HANDSHAKE_MS = 10_000;

/** A server that listens nowhere yet, and what ends every connection of it, also one that still agrees on TLS. */
export interface Listening {
  readonly server: Server;
  closeAll(): void;
}

/** The server that the settings ask for: over TLS, or not. Throws as `listenerTls` does. */
export function createListener({ https }: Pick<RestConfig, 'https'>): Listening {
  if (https === undefined) {
    const server = createHttp();
    return { server, closeAll: () => server.closeAllConnections() };
  }
  const server = createHttps(listenerTls(https));
  const sockets = new Set<Socket>();
  // The server itself knows a connection only when TLS is agreed on.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  if (https.clientAuth === 'requested') server.on('secureConnection', refuseUntrusted);
  return {
    server,
    closeAll() {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * What Node's TLS takes. Commands show the daemon's own certificate, as Connect's workers do among themselves (daemon-exchange.ts): if no
 * authority made it, it is one to trust too. Throws OperatorError when key and certificate cannot be used.
 */
export function listenerTls(https: HttpsConfig): TlsOptions {
  const { cert, key, keyPassword, ca, clientAuth } = https;
  const options: TlsOptions = {
    cert,
    key,
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: clientAuth !== 'none',
    rejectUnauthorized: clientAuth === 'required',
  };
  try {
    createSecureContext(options);
    // The first certificate alone: who else has one of the authorities behind it is not meant.
    return ca === undefined ? options : { ...options, ca: [ca, ownCertificate(https)] };
  } catch (cause) {
    throw new OperatorError('The key and the certificate of listeners.https.ssl.* cannot be used', {
      cause,
      advice:
        'Name the key that the certificate was made for, as PEM, and its password in listeners.https.ssl.key.password.',
    });
  }
}

/** The certificate that is shown, without those of its authorities. Throws when it is none, which `listenerTls` has found. */
export function ownCertificate({ cert }: HttpsConfig): string {
  return new X509Certificate(cert).toString();
}

/** Who shows a certificate shows a trusted one, though nobody has to. */
function refuseUntrusted(socket: TLSSocket): void {
  const hasOne = Object.keys(socket.getPeerCertificate()).length > 0;
  if (hasOne && !socket.authorized) socket.destroy();
}
