import { Socket, type SocketConstructorOpts } from 'node:net';
import { TLSSocket } from 'node:tls';
import { FrameCutter, type FrameListener } from './frame-cutter.ts';

/**
 * A socket to give to pg, and the messages of the stream that come through it: cut out where they were read, before pg sees them. A plain
 * connection reads into the cutter's memory from the start. Below TLS that cannot be: `attach` stands between the decrypting socket and pg.
 * A paused tap hands out at most what one read had brought.
 */
export class Tap {
  readonly raw: Socket;
  /** When something came last, in the milliseconds of `performance.now`. */
  heardAt = 0;
  readonly #cutter: FrameCutter;
  /** What pg reads, and how to give it something to read. */
  #socket: Socket;
  #give: (bytes: Buffer) => void;
  #isPaused = false;

  /** `listener` hears the stream; the bytes of other messages are for pg. */
  constructor(isTls: boolean, listener: Omit<FrameListener, 'other'>) {
    this.#cutter = new FrameCutter({
      message: (bytes, start, end, lsn) => listener.message(bytes, start, end, lsn),
      keepalive: (walEnd, replyRequested) => listener.keepalive(walEnd, replyRequested),
      other: (bytes) => this.#give(bytes),
    });
    this.raw = isTls ? new Socket() : this.#cuttingSocket();
    this.#socket = this.raw;
    this.#give = (bytes) => this.raw.emit('data', bytes);
  }

  /** Says which socket the session has come to use; before the stream begins, while the server has nothing left to say. */
  attach(socket: Socket): void {
    this.#socket = socket;
    if (!(socket instanceof TLSSocket)) return;
    const readers = socket.listeners('data');
    socket.removeAllListeners('data');
    this.#give = (bytes) => {
      for (const read of readers) read.call(socket, bytes);
    };
    socket.on('data', (bytes: Buffer) => this.#copy(bytes));
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  #cuttingSocket(): Socket {
    const buffer = (): Buffer => this.#cutter.room();
    const callback = (size: number): boolean => {
      this.#filled(size);
      // A resume that a pause overtook begins to read all the same; this ends it.
      return !this.#isPaused;
    };
    // The option is documented for the constructor, and missing in its type.
    return new Socket({ onread: { buffer, callback } } as SocketConstructorOpts);
  }

  #copy(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#socket.destroyed; ) {
      const size = bytes.copy(this.#cutter.room(), 0, at);
      this.#filled(size);
      at += size;
    }
  }

  #filled(size: number): void {
    if (this.#socket.destroyed) return;
    this.heardAt = performance.now();
    try {
      this.#cutter.filled(size);
    } catch (error) {
      this.#socket.destroy(error as Error); // pg tells of it; thrown here it would end the process
    }
  }
}
