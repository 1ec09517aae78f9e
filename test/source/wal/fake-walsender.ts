import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { PINNED } from '../../../src/postgres/connect.ts';

/** As much of a server as a replication connection needs; it never says goodbye, as one that is gone. */
export interface FakeWalsender extends AsyncDisposable {
  readonly connection: ConnectionSettings;
}

/** `stream` is called when replication starts, before the server has consented; whatever it writes comes then. */
export async function fakeWalsender(stream: (socket: Socket) => void = () => undefined): Promise<FakeWalsender> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the client has gone
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
        if (!isStarted) socket.write(Buffer.concat([message('R', Buffer.alloc(4)), READY]));
        else if (kind === 'Q' && body.startsWith('START_REPLICATION')) stream(socket);
        else if (kind === 'Q') socket.write(pinned());
        isStarted = true;
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    connection: { host: '127.0.0.1', port, database: 'd', user: 'u', sslmode: 'disable' },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The server's consent to stream: CopyBothResponse. */
export const CONSENT: Buffer = message('W', Buffer.alloc(3));

export function xLogData(lsn: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(25);
  header.write('w');
  header.writeBigUInt64BE(BigInt(lsn), 1);
  return message('d', Buffer.concat([header, payload]));
}

export function keepalive(walEnd: number, isReplyRequested: boolean): Buffer {
  const body = Buffer.alloc(18);
  body.write('k');
  body.writeBigUInt64BE(BigInt(walEnd), 1);
  body[17] = isReplyRequested ? 1 : 0;
  return message('d', body);
}

const READY = message('Z', Buffer.from('I'));

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
    message('D', Buffer.concat([two, value(name), value(setting)])),
  );
  const head = message('T', Buffer.concat([two, field('name'), field('setting')]));
  return Buffer.concat([head, ...rows, message('C', Buffer.from('SELECT 12\0')), READY]);
}

/** The rest of a field's description: type text (25), of any length, without modifier, in text format. */
const TEXT_FIELD = Buffer.from([25, 255, 255, 255, 255, 255, 255, 0, 0]);

function message(kind: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(kind);
  header.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([header, body]);
}
