import type { SinkLife } from '../../../src/sink/postgres/claim-in-turn.ts';
import type { Process } from '../process.ts';

/** How long the target keeps a session whose client is gone. */
export const SESSION_TIMEOUT_MS = 12_000;

/** A sink's connection as the target sees it: alive until it has missed the client. */
export interface Session {
  readonly id: number;
  readonly process: Process;
  readonly life: SinkLife;
  isAlive: boolean;
  /** The step since which it has stood with the progress row; undefined while it never has. */
  ownsSince: number | undefined;
}

/** All connections of sinks to the target. */
export class Sessions {
  #all: Session[] = [];
  #nextId = 1;

  open(process: Process, life: SinkLife): Session {
    const session: Session = { id: this.#nextId++, process, life, isAlive: true, ownsSince: undefined };
    this.#all = [...this.#all.filter(({ isAlive }) => isAlive), session];
    return session;
  }

  /** The client has given it up, and could not say so. */
  lose(session: Session): void {
    const { process } = session;
    process.scheduler.timer(SESSION_TIMEOUT_MS, 'session timeout', process.id, () => (session.isAlive = false));
  }

  /** The process is gone, or does not answer for now. */
  lostClient(process: Process): void {
    for (const session of this.#all) {
      if (session.process !== process || !session.isAlive) continue;
      process.scheduler.timer(SESSION_TIMEOUT_MS, 'session timeout', process.id, () => {
        if (process.state !== 'running') session.isAlive = false;
      });
    }
  }

  /** The server crashes. */
  endAll(): void {
    for (const session of this.#all) session.isAlive = false;
    this.#all = [];
  }
}
