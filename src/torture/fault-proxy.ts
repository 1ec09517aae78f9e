import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Dialogue, opaque } from './dialogues.ts';

/** Where a proxy leads to; asked at each connection, so that it may become known later. */
export type Destination = () => { readonly host: string; readonly port: number };

/** What becomes of a connection whose answer was lost: it is broken, or stays open and says nothing more. */
export type Afterwards = 'broken' | 'silent';

interface Loss {
  readonly request: string;
  readonly afterwards: Afterwards;
  readonly hit: () => void;
}

/**
 * Stands between clients and a server and does what networks do: loses the answer to a request that was carried out, breaks connections, holds
 * everything up for a while, or goes silent for ever without a word to either side.
 */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #destination: Destination;
  readonly #dialogue: () => Dialogue;
  readonly #links = new Set<Link>();
  #loss: Loss | undefined;
  #isHeldUp = false;

  private constructor(server: Server, destination: Destination, dialogue: () => Dialogue) {
    this.#server = server;
    this.#destination = destination;
    this.#dialogue = dialogue;
  }

  static async start(destination: Destination, dialogue: () => Dialogue = opaque): Promise<FaultProxy> {
    const server = createServer();
    const proxy = new FaultProxy(server, destination, dialogue);
    server.on('connection', (client) => proxy.#join(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that both sides still have. */
  get connections(): number {
    return this.#links.size;
  }

  /** The next answer to such a request (`Produce`, `Fetch`, `COMMIT`) is lost; `hit` hears of it. The last call counts. */
  lose(request: string, afterwards: Afterwards, hit: () => void): void {
    this.#loss = { request, afterwards, hit };
  }

  /** No answer is lost any more. */
  loseNothing(): void {
    this.#loss = undefined;
  }

  /** Breaks every connection; returns how many there were. */
  cut(): number {
    const links = [...this.#links];
    for (const link of links) link.break();
    return links.length;
  }

  /** Nothing gets through until `goOn`; what was sent meanwhile arrives then. */
  holdUp(): void {
    this.#isHeldUp = true;
    for (const link of this.#links) link.pause();
  }

  goOn(): void {
    this.#isHeldUp = false;
    for (const link of this.#links) link.resume();
  }

  /** The connections of now fall silent for ever: each side believes that the other is there. New ones are not concerned. Returns how many. */
  silence(): number {
    for (const link of this.#links) link.silence();
    return this.#links.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const link = new Link(client, connect(this.#destination()), this.#dialogue(), (to) => this.#fateOf(to));
    this.#links.add(link);
    link.ended.then(
      () => this.#links.delete(link),
      () => {}, // it never rejects
    );
    if (this.#isHeldUp) link.pause();
  }

  /** Undefined: the answer is passed on. */
  #fateOf(to: string | undefined): Afterwards | undefined {
    const loss = this.#loss;
    if (loss === undefined || to !== loss.request) return undefined;
    this.#loss = undefined;
    loss.hit();
    return loss.afterwards;
  }
}

/** One client's connection and the one behind it. */
class Link {
  readonly ended: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  #isSilent = false;

  constructor(
    client: Socket,
    server: Socket,
    dialogue: Dialogue,
    fateOf: (to: string | undefined) => Afterwards | undefined,
  ) {
    this.#client = client;
    this.#server = server;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {}); // `close` follows
    }
    client.on('close', () => this.#closed(server));
    server.on('close', () => this.#closed(client));
    this.ended = Promise.all([closing(client), closing(server)]);
    client.on('data', (chunk) => {
      dialogue.asked(chunk);
      this.#pass(chunk, client, server);
    });
    server.on('data', (chunk) => {
      for (const { bytes, to } of dialogue.answered(chunk)) {
        const fate = this.#isSilent ? undefined : fateOf(to);
        if (fate === 'silent') this.silence();
        if (fate === 'broken') return this.break();
        this.#pass(bytes, server, client);
      }
    });
  }

  break(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  silence(): void {
    this.#isSilent = true;
  }

  pause(): void {
    this.#client.pause();
    this.#server.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#server.resume();
  }

  /** A side that is gone takes the other one along, unless nobody is to hear of it. */
  #closed(other: Socket): void {
    if (!this.#isSilent) other.destroy();
  }

  #pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (this.#isSilent || to.destroyed || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => from.resume());
  }
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
