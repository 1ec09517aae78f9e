import type { CopyRequests, CopySignal } from '../../change/copy-request.ts';
import type { Position } from '../../change/position.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import type { CapturedTable } from './capture-tables.ts';

/** Somebody who waits until the tables that he has asked for are copied. */
interface Waiter {
  readonly tables: Set<number>;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Tables that are to be copied whole: those that were not captured before, and those that somebody asks for. Each is copied in the snapshot of a
 * reading, as one interval with its events; nothing of it is stored in parts, so that nothing has to be remembered.
 */
export class NeededCopies {
  readonly #wake: () => void;
  readonly #waiting = new Map<number, CapturedTable>();
  /** Of those that wait: nobody but an operator wants them, so they can be paused. Of the others a replica lacks rows. */
  readonly #asked = new Set<number>();
  readonly #waiters = new Set<Waiter>();
  /** Names the triggers of tables that were copied under this claim, which does not name them. */
  readonly #covered = new Set<number>();
  #underWay: { readonly position: Position; readonly tables: readonly CapturedTable[] } | undefined;
  #isPaused = false;

  /** `wake` lets a reading follow at once. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  get isWaiting(): boolean {
    return this.#next().length > 0;
  }

  need(table: CapturedTable): void {
    this.#asked.delete(table.relationId);
    this.#waiting.set(table.relationId, table);
    this.#wake();
  }

  /** Another kind of source was here before: what it has copied in part is copied whole. */
  restore({ tables }: CopyRequests, captured: readonly CapturedTable[]): void {
    for (const { schema, name, condition } of tables) {
      const table = captured.find((each) => each.schema === schema && each.name === name);
      if (table !== undefined && condition === undefined) this.need(table);
    }
  }

  /** What the next reading is to copy. */
  take(): readonly CapturedTable[] {
    const tables = this.#next();
    for (const { relationId } of tables) {
      this.#waiting.delete(relationId);
      this.#asked.delete(relationId);
    }
    return tables;
  }

  /** They are copied with this position: what its checkpoint says of copies. Undefined when there is nothing to say. */
  handedOut(tables: readonly CapturedTable[], position: Position): CopyRequests | undefined {
    if (tables.length === 0) return undefined;
    for (const { captureId } of tables) this.#covered.add(captureId);
    this.#underWay = { position, tables };
    return { isPaused: this.#isPaused, tables: [], covered: [...this.#covered] };
  }

  /** Everything up to the position is stored. */
  acknowledged(position: Position): void {
    if (this.#underWay === undefined || position < this.#underWay.position) return;
    const { tables } = this.#underWay;
    this.#underWay = undefined;
    for (const waiter of this.#waiters) {
      for (const { relationId } of tables) waiter.tables.delete(relationId);
      if (waiter.tables.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Resolves when what is asked for is done and stored. Throws OperatorError when it cannot be. */
  async hear(signal: CopySignal, captured: readonly CapturedTable[]): Promise<void> {
    if (signal.kind === 'pause' || signal.kind === 'resume') {
      this.#isPaused = signal.kind === 'pause';
      this.#wake();
    } else if (signal.kind === 'stop') this.#stop(signal.tables);
    else await this.#execute(signal, captured);
  }

  /** Everything is copied: nothing is needed besides. */
  clear(): void {
    this.#waiting.clear();
    this.#asked.clear();
  }

  /** Nothing is copied any more: who waits is told. */
  close(): void {
    for (const waiter of this.#waiters)
      waiter.reject(new TransientError('The source ended before the copy was stored'));
    this.#waiters.clear();
  }

  async #execute(signal: Extract<CopySignal, { kind: 'execute' }>, captured: readonly CapturedTable[]): Promise<void> {
    const tables = signal.tables.map(({ schema, name, condition }) => {
      const table = captured.find((each) => each.schema === schema && each.name === name);
      if (table === undefined) {
        throw new OperatorError(`Table ${schema}.${name} is not captured`, { advice: 'Compare table.include.list.' });
      }
      if (condition !== undefined) {
        throw new OperatorError(`Table ${schema}.${name} cannot be copied in part from its triggers' events`, {
          advice: 'Leave the condition out: the table is copied whole, at one moment.',
        });
      }
      return table;
    });
    await new Promise<void>((resolve, reject) => {
      this.#waiters.add({ tables: new Set(tables.map(({ relationId }) => relationId)), resolve, reject });
      for (const table of tables) this.#ask(table);
      if (tables.length === 0) resolve();
    });
  }

  #next(): readonly CapturedTable[] {
    return [...this.#waiting.values()].filter(({ relationId }) => !this.#isPaused || !this.#asked.has(relationId));
  }

  #ask(table: CapturedTable): void {
    if (!this.#waiting.has(table.relationId)) this.#asked.add(table.relationId);
    this.#waiting.set(table.relationId, table);
    this.#wake();
  }

  #stop(names: readonly string[]): void {
    for (const [id, { schema, name }] of this.#waiting) {
      if (!this.#asked.has(id)) continue;
      if (names.length > 0 && !names.includes(`${schema}.${name}`)) continue;
      this.#waiting.delete(id);
      this.#asked.delete(id);
      for (const waiter of this.#waiters) {
        waiter.tables.delete(id);
        if (waiter.tables.size > 0) continue;
        this.#waiters.delete(waiter);
        waiter.resolve();
      }
    }
  }
}
