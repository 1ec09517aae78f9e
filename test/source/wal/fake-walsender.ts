import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { PINNED } from '../../../src/postgres/connect.ts';

/** As much of a server as a replication connection needs; it never says goodbye, as one that is gone. */
export interface FakeWalsender extends AsyncDisposable {
  readonly connection: ConnectionSettings;
  /** The flushed positions that clients have told, in their order. */
  readonly flushed: readonly number[];
}

/** A server's key and certificate, PEM texts. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
}

/** `stream` is called when replication starts, before the server has consented; whatever it writes comes then. With `tls` it talks TLS only. */
export async function fakeWalsender(
  stream: (socket: Socket) => void = () => undefined,
  tls?: ServerTls,
): Promise<FakeWalsender> {
  const sockets = new Set<Socket>();
  const flushed: number[] = [];
  const tell = (lsn: number): void => void flushed.push(lsn);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the client has gone
    if (!tls) return serve(socket, stream, tell);
    socket.once('data', () => {
      socket.write('S');
      const secure = new TLSSocket(socket, { ...tls, isServer: true });
      secure.on('error', () => undefined);
      serve(secure, stream, tell);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    flushed,
    connection: { host: '127.0.0.1', port, database: 'd', user: 'u', sslmode: tls ? 'require' : 'disable' },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, stream: (socket: Socket) => void, tell: (flushed: number) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  let isStarted = false;
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    for (let header = isStarted ? 1 : 0; bytes.length >= header + 4; header = 1) {
      const end = header + bytes.readUInt32BE(header);
      if (bytes.length < end) return;
      const [kind, body] = [
        isStarted ? String.fromCharCode(bytes[0] as number) : '',
        bytes.toString('latin1', header + 4, end),
      ];
      bytes = bytes.subarray(end);
      if (!isStarted) socket.write(Buffer.concat([serverMessage('R', Buffer.alloc(4)), READY]));
      else if (kind === 'Q' && body.startsWith('START_REPLICATION')) stream(socket);
      else if (kind === 'Q') socket.write(pinned());
      else if (kind === 'd' && body.startsWith('r')) tell(Number(Buffer.from(body, 'latin1').readBigUInt64BE(9)));
      isStarted = true;
    }
  });
}

/** The server's consent to stream: CopyBothResponse. */
export const CONSENT: Buffer = serverMessage('W', Buffer.alloc(3));

export function xLogData(lsn: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(25);
  header.write('w');
  header.writeBigUInt64BE(BigInt(lsn), 1);
  return serverMessage('d', Buffer.concat([header, payload]));
}

export function keepalive(walEnd: number, isReplyRequested: boolean): Buffer {
  const body = Buffer.alloc(18);
  body.write('k');
  body.writeBigUInt64BE(BigInt(walEnd), 1);
  body[17] = isReplyRequested ? 1 : 0;
  return serverMessage('d', body);
}

const READY = serverMessage('Z', Buffer.from('I'));

/** The rows of `pg_settings` that a session is checked by. */
function pinned(): Buffer {
  const field = (name: string): Buffer => Buffer.concat([Buffer.from(`${name}\0`), Buffer.alloc(9), TEXT_FIELD]);
  const value = (text: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const two = Buffer.from([0, 2]);
  const rows = Object.entries(PINNED).map(([name, setting]) =>
    serverMessage('D', Buffer.concat([two, value(name), value(setting)])),
  );
  const head = serverMessage('T', Buffer.concat([two, field('name'), field('setting')]));
  return Buffer.concat([head, ...rows, serverMessage('C', Buffer.from('SELECT 12\0')), READY]);
}

/** The rest of a field's description: type text (25), of any length, without modifier, in text format. */
const TEXT_FIELD = Buffer.from([25, 255, 255, 255, 255, 255, 255, 0, 0]);

/** A message of the server as it goes over the wire. */
export function serverMessage(kind: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(kind);
  header.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([header, body]);
}
