import { type Batch, NULL, Op, UNCHANGED } from '../../../src/change/batch.ts';
import { COPIED, type State } from './history.ts';
import type { ModelRow } from '../world/rows.ts';

/** A target as the sink's rules have it (sink 6): it expects nothing while checkpoints are not consistent, and everything afterwards. */
export class Replica {
  readonly #keyed = new Map<string, ModelRow>();
  readonly #keyless: ModelRow[] = [];
  /** What a change met that cannot have been so at the source. */
  readonly contradictions: string[] = [];

  /** One that has all of this. */
  static of({ keyed, keyless }: State): Replica {
    const replica = new Replica();
    for (const [key, row] of keyed) replica.#keyed.set(key, row);
    replica.#keyless.push(...keyless);
    return replica;
  }

  /** In words, a row of the keyed table that the source had otherwise, or not at all. */
  stranger({ keyed }: State): string | undefined {
    for (const [key, row] of this.#keyed) {
      const there = keyed.get(key)?.join('/');
      if (there !== row.join('/')) return `a part of the keyed table has ${row.join('/')} instead of ${there}`;
    }
    return undefined;
  }

  apply(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      if (batch.op[i] === Op.control) this.#control(batch, i);
      else if (batch.tables[batch.table[i] as number] === COPIED[1]) this.#applyKeyless(batch, i);
      else this.#applyKeyed(batch, i);
    }
  }

  /** In words, how it differs from what the source had. */
  difference({ keyed, keyless }: State): string | undefined {
    const shown = (rows: Iterable<ModelRow>): string =>
      [...rows]
        .map((row) => row.join('/'))
        .sort()
        .join(' ');
    for (const [name, here, there] of [
      ['keyed', shown(this.#keyed.values()), shown(keyed.values())],
      ['keyless', shown(this.#keyless), shown(keyless)],
    ]) {
      if (here !== there) return `the ${name} table has ${here} instead of ${there}`;
    }
    return undefined;
  }

  #control(batch: Batch, i: number): void {
    const control = batch.controls[batch.table[i] as number];
    if (control?.kind !== 'snapshot-begin' && control?.kind !== 'snapshot-again') return;
    if (control.tables.includes(COPIED[0])) this.#keyed.clear();
    if (control.tables.includes(COPIED[1])) this.#keyless.length = 0;
  }

  #applyKeyless(batch: Batch, i: number): void {
    const [before, after] = rowsAt(batch, i);
    if (before !== undefined) {
      const at = this.#keyless.findIndex((row) => row.join('/') === before.join('/'));
      if (at >= 0) this.#keyless.splice(at, 1);
      else if (batch.consistent) this.contradictions.push('a row without key is not there');
      else return; // an update of what is not there adds nothing
    }
    if (after !== undefined) this.#keyless.push(after);
  }

  #applyKeyed(batch: Batch, i: number): void {
    const [before, after] = rowsAt(batch, i);
    const [old, key] = [before?.[0] as string | undefined, after?.[0] as string | undefined];
    switch (batch.op[i] as number) {
      case Op.insert:
      case Op.read:
        this.#expect(batch, !this.#keyed.has(key as string), `an insert meets ${key}`);
        return void this.#keyed.set(key as string, after as ModelRow);
      case Op.delete:
        this.#expect(batch, this.#keyed.has(old as string), `${old} is not there to be deleted`);
        return void this.#keyed.delete(old as string);
      case Op.update:
        this.#expect(batch, this.#keyed.has(key as string), `${key} is not there to be updated`);
        return this.#merge(key as string, after as ModelRow);
      default:
        this.#expect(
          batch,
          this.#keyed.has(old as string) && !this.#keyed.has(key as string),
          `${old} cannot become ${key}`,
        );
        return this.#rekey(old as string, key as string, after as ModelRow);
    }
  }

  #expect({ consistent }: Batch, isSo: boolean, what: string): void {
    if (consistent && !isSo) this.contradictions.push(what);
  }

  /** What stands under the new key is at least as new. */
  #rekey(old: string, key: string, row: ModelRow): void {
    const source = this.#keyed.get(key) ?? this.#keyed.get(old);
    if (row.includes(undefined)) {
      if (source !== undefined) this.#keyed.set(key, merged(row, source));
    } else this.#keyed.set(key, row);
    this.#keyed.delete(old);
  }

  #merge(key: string, row: ModelRow): void {
    const present = this.#keyed.get(key);
    if (present !== undefined) this.#keyed.set(key, merged(row, present));
    else if (!row.includes(undefined)) this.#keyed.set(key, row);
  }
}

function merged(row: ModelRow, under: ModelRow): ModelRow {
  return row.map((cell, i) => (cell === undefined ? under[i] : cell));
}

function rowsAt(batch: Batch, i: number): [ModelRow | undefined, ModelRow | undefined] {
  const row = (first: number): ModelRow | undefined =>
    first < 0
      ? undefined
      : [0, 1, 2].map((column) => {
          const [start, end] = [
            batch.cells[2 * (first + column)] as number,
            batch.cells[2 * (first + column) + 1] as number,
          ];
          if (end === NULL) return null;
          return end === UNCHANGED ? undefined : batch.bytes.toString('latin1', start, end);
        });
  return [row(batch.before[i] as number), row(batch.after[i] as number)];
}
