import net from 'node:net';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';

/**
 * All connections of one process of a source to its server. Counts what passes, and can be cut: then the server sees what it sees when a process is
 * killed, and nothing that the source still does reaches it.
 */
export class Wire implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #isCut = false;
  /** Bytes that the server has sent and the proxy has passed on, or holds. */
  receivedBytes = 0;
  /** How often the source has sent something. */
  exchanges = 0;
  /** Hears of each of them, before it is passed on. */
  onExchange: (exchanges: number) => void = () => {};

  private constructor(to: ConnectionSettings) {
    this.#server = net.createServer((client) => this.#join(client, net.connect(to.port, to.host)));
  }

  static async open(to: ConnectionSettings): Promise<Wire> {
    const wire = new Wire(to);
    await new Promise<void>((resolve, reject) => {
      wire.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return wire;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Ends every connection at once, and lets none begin. */
  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: net.Socket, server: net.Socket): void {
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.setNoDelay().on('error', end).on('close', end);
    if (this.#isCut) return end();
    client.on('data', () => this.onExchange(++this.exchanges));
    server.on('data', (bytes: Buffer) => {
      this.receivedBytes += bytes.length;
    });
    client.pipe(server);
    server.pipe(client);
  }
}
