import type pg from 'pg';
import type { Batch } from '../../../change/batch.ts';
import type { CopyRequests, CopySignal } from '../../../change/copy-request.ts';
import type { CopyProgress } from '../../../change/copy-state.ts';
import type { Position } from '../../../change/position.ts';
import type { VersionCounter } from '../../capture/version-counter.ts';
import type { FirstCopyParts } from '../first-copy.ts';
import { Rereader } from '../reread.ts';
import type { Warn } from '../../capture/warn.ts';
import { ChunkReader } from './chunk-reader.ts';
import { findTarget } from './condition.ts';
import { Copier } from './copier.ts';
import { RequestList } from './request-list.ts';

/** The id of copies that nobody has asked for. */
const OURS = 'rowcast';

export interface RequestsParts extends FirstCopyParts {
  readonly client: pg.ClientBase;
  readonly warn: Warn;
}

/** A table that is captured. */
interface NamedRelation {
  readonly schema: string;
  readonly name: string;
  readonly relationId: number;
}

/** The copies that a held source makes while it streams: those that are asked for, and those that it needs. */
export class Requests {
  readonly #parts: RequestsParts;
  readonly #list = new RequestList();
  readonly #copier: Copier;
  readonly #rereader: Rereader;

  /** `want` makes the stream haste to a position. */
  constructor(parts: RequestsParts, versions: VersionCounter, want: (lsn: number) => void) {
    this.#parts = parts;
    this.#rereader = new Rereader(parts);
    const reader = new ChunkReader(parts);
    this.#copier = new Copier({ ...parts, reader, list: this.#list, versions, want, rereader: this.#rereader });
  }

  get progress(): CopyProgress | undefined {
    return this.#copier.progress;
  }

  restore(requests: CopyRequests): void {
    this.#list.restore(requests);
  }

  /** Everything is copied: nothing is needed besides. */
  clear(): void {
    this.#list.clear();
  }

  /** A table that was not captured before, or not whole. Heard at once: whatever follows is not the whole table. */
  need({ schema, name, relationId }: NamedRelation): void {
    this.#list.need(OURS, { schema, name }, relationId);
  }

  /** Tables that joined the capture without a row. */
  cover(relations: readonly number[]): void {
    this.#list.cover(relations);
  }

  /** Hears a signal from a row of the stream, whose position says later that it is stored. What cannot be met is told of when its turn comes. */
  hear(signal: CopySignal): void {
    this.#list.hear(signal);
  }

  /** Whether a copy of this id is asked for, or being made. */
  knows(id: string): boolean {
    return this.#list.state.tables.some((each) => each.id === id);
  }

  /** Throws OperatorError when what is asked for cannot be met. */
  async check(signal: CopySignal): Promise<void> {
    const { client, settings, filter } = this.#parts;
    if (signal.kind !== 'execute') return;
    for (const target of signal.tables) await findTarget(client, settings.publicationName, filter, target);
  }

  /** See `HeldSource.signal`. */
  async signal(signal: CopySignal): Promise<void> {
    await this.check(signal);
    await this.#copier.ask(signal);
  }

  /** Everything up to the position is stored. */
  acknowledged(position: Position): void {
    this.#copier.acknowledged(position);
  }

  /** See `Copier.during`. */
  during(stream: AsyncIterable<Batch>, from: Position, isLevel: boolean, signal: AbortSignal): AsyncIterable<Batch> {
    return this.#copier.during(stream, from, isLevel, signal);
  }

  async close(): Promise<void> {
    await this.#rereader[Symbol.asyncDispose]();
  }
}
