import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import { failPoint } from '../../failpoint.ts';
import type { TriggerNames } from './names.ts';
import { parsePosition } from './position.ts';
import { forget, storedPosition, storePosition } from './reader-row.ts';

/** How far the events are consumed, as the database notes it: what the log has (Invariant 1) is forgotten behind it. */
export class Consumed {
  readonly #client: pg.ClientBase;
  readonly #names: TriggerNames;
  readonly #retentionDays: number;
  #position: Position | undefined;
  /** Positions that were handed out, with the greatest number of an event below. */
  readonly #lastIds = new Map<Position, number>();

  /** Events are kept for `retentionDays` behind what the log has; 0: they are deleted. */
  constructor(client: pg.ClientBase, names: TriggerNames, position: Position | undefined, retentionDays: number) {
    this.#retentionDays = retentionDays;
    this.#client = client;
    this.#names = names;
    this.#position = position;
  }

  /** Undefined: nothing is noted yet. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Looks again whether something is noted: another process may have done it. */
  async exists(): Promise<boolean> {
    return (await storedPosition(this.#client, this.#names)) !== undefined;
  }

  /** Begins at this position, whatever was noted before. */
  async begin(position: Position): Promise<void> {
    await storePosition(this.#client, this.#names, position);
    failPoint('source.reader-noted');
    this.#position = position;
  }

  /** The log ends here: a process that was killed may have stored a checkpoint and not said so; or a source of another kind has. */
  async goOn(from: Position): Promise<void> {
    if (parsePosition(from) === undefined) await this.begin(from);
    else await this.#forget(from, undefined);
  }

  /** A batch with this position was handed out; no event above `lastId` is among what it covers. */
  handedOut(position: Position, lastId: number): void {
    this.#lastIds.set(position, lastId);
  }

  /** The log has everything up to the position. */
  async acknowledged(position: Position): Promise<void> {
    const lastId = this.#lastIds.get(position);
    for (const each of this.#lastIds.keys()) if (each <= position) this.#lastIds.delete(each);
    // An idle position covers nothing that is there: to note it would be a change, after which comes another one.
    if (lastId !== undefined) await this.#forget(position, lastId);
  }

  async #forget(position: Position, lastId: number | undefined): Promise<void> {
    if (position === this.#position) return;
    await forget(this.#client, this.#names, position, lastId, this.#retentionDays);
    failPoint('source.events-forgotten');
    this.#position = position;
  }
}
