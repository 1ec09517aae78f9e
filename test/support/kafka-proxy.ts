import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What to do with one request's answer. */
export type Fate = 'pass' | 'drop' | 'break';

const PRODUCE = 0;

/**
 * A TCP proxy in front of a broker that knows Kafka's frames: `fate` decides over the answer to each Produce (counted from 1):
 * let it pass, drop it (the broker has stored, the client never hears of it), or break the connection in its place.
 */
export class KafkaProxy implements AsyncDisposable {
  fate: (produce: number) => Fate = () => 'pass';
  /** Produce requests that went to the broker. */
  produced = 0;
  /** Requests of all kinds that went to the broker. */
  requests = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(host: string, port: number): Promise<KafkaProxy> {
    const server = createServer();
    const proxy = new KafkaProxy(server);
    server.on('connection', (client) => proxy.#join(client, connect({ host, port })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, broker: Socket): void {
    const fates = new Map<number, Fate>();
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on(
      'data',
      frames((frame) => {
        if (frame.readInt16BE(4) === PRODUCE) fates.set(frame.readInt32BE(8), this.fate(++this.produced));
        this.requests++;
        broker.write(frame);
      }),
    );
    broker.on(
      'data',
      frames((frame) => {
        const fate = fates.get(frame.readInt32BE(4)) ?? 'pass';
        if (fate === 'pass') client.write(frame);
        else if (fate === 'break') client.destroy();
      }),
    );
  }
}

/** Cuts a stream into Kafka's frames: a length of four bytes, then so many bytes. */
function frames(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      onFrame(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
}
