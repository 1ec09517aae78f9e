import { OperatorError } from '../../errors.ts';
import type { Capture } from '../source.ts';
import {
  assertAllCaptured,
  assertCaptured,
  type CapturedTable,
  captureTables,
  type CaptureTablesParts,
  type TriggeredTables,
} from './capture-tables.ts';
import type { NeededCopies } from './needed-copies.ts';
import { capturedRelation } from './tables.ts';

/** The tables that have triggers, as they were looked at last; those of which changes may have been missed are copied. */
export class WatchedTables {
  readonly #parts: CaptureTablesParts;
  readonly #needed: NeededCopies;
  #tables: TriggeredTables;

  constructor(parts: CaptureTablesParts, needed: NeededCopies, tables: TriggeredTables) {
    this.#parts = parts;
    this.#needed = needed;
    this.#tables = tables;
  }

  get captured(): readonly CapturedTable[] {
    return this.#tables.captured;
  }

  /** Brings the triggers to what the lists say; waits for tables that are busy. */
  async bring(): Promise<void> {
    this.#tables = await captureTables(this.#parts, true);
  }

  /** Goes on behind a source of another kind. Throws OperatorError where rows of the replica would grow old unseen. */
  async follow(): Promise<void> {
    const { settings } = this.#parts;
    if (settings.snapshotMode === 'no_data') throw needsCopies(settings.name);
    await this.bring();
    assertAllCaptured(this.#tables, settings);
  }

  /** Copies what was not captured so far, or with other lists. Throws OperatorError for a table that was, and is not any more. */
  cover(before: Capture, lists: Capture['lists']): void {
    const isSame = JSON.stringify(before.lists) === JSON.stringify(lists);
    const known = new Set(before.tables ?? []);
    // Other lists may take in columns of every table; and without ids nobody knows which tables were captured.
    assertCaptured(this.#tables, new Set((before.tables ?? []).map(capturedRelation)), this.#parts.settings);
    const isLate = ({ captureId }: CapturedTable): boolean =>
      !isSame || before.tables === undefined || !known.has(captureId);
    this.#need(this.#tables.captured.filter(isLate));
  }

  /** Nobody knows what was written: everything is copied. */
  needAll(): void {
    this.#need(this.#tables.captured);
  }

  /** Finds tables that have come, and triggers that somebody has dropped, disabled or made anew. */
  async look(): Promise<void> {
    const before = new Map(this.#tables.captured.map(({ relationId, captureId }) => [relationId, captureId]));
    this.#tables = await captureTables(this.#parts, false);
    assertCaptured(this.#tables, new Set(before.keys()), this.#parts.settings);
    this.#need(this.#tables.captured.filter(({ relationId, captureId }) => before.get(relationId) !== captureId));
  }

  #need(tables: readonly CapturedTable[]): void {
    if (tables.length === 0) return;
    if (this.#parts.settings.snapshotMode === 'no_data') {
      const names = tables.map(({ schema, name }) => `${schema}.${name}`).join(', ');
      this.#parts.warn(
        `Captured from now on: ${names}`,
        'snapshot.mode is no_data: their earlier rows are yours to copy.',
      );
      return;
    }
    for (const table of tables) this.#needed.need(table);
  }
}

/** Without copies, what was written since the other source stopped would be missing. */
function needsCopies(name: string): OperatorError {
  return new OperatorError(
    'The log ends with what a source of another kind has captured, and snapshot.mode is no_data',
    {
      advice: `Set snapshot.mode to initial in the file of "${name}": every table is copied again, in one transaction of the replica.`,
    },
  );
}
