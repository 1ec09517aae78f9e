import { type DdlChange, type DdlCommand, ddlObjectName } from '../../../change/ddl.ts';
import type { TableSchema } from '../../../change/table-schema.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import type { Warn } from '../../capture/warn.ts';
import type { DdlRow } from './ddl-row.ts';
import { INSTALL_AGAIN } from './ddl-setup.ts';
import { readDdl } from './read-ddl.ts';
import { hasUnknownValues } from './unknown-values.ts';

/** Statements by which a table comes into being. */
const CREATING = ['CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE SCHEMA'];

/** Has a table copied while streaming: whatever follows is not the whole table. False when it cannot be: nothing is void then. */
export type CopyAgain = (table: Pick<TableSchema, 'schema' | 'name' | 'relationId'>) => boolean;

/**
 * Reads the DDL of one run of the stream: leaves out, with a word, what cannot be followed, and remembers the tables' keys. The catalog is newer
 * than the stream: rows of a table with replica identity "full" do not tell its key, and the newest one may not hold for those that came before it.
 */
export class DdlReader {
  readonly #filter: CaptureFilter;
  readonly #warn: Warn;
  readonly #copyAgain: CopyAgain;
  readonly #keys = new Map<number, readonly number[]>();
  /** Tags of statements that are not followed, and were warned of. */
  readonly #passed = new Set<string>();

  constructor(filter: CaptureFilter, warn: Warn, copyAgain: CopyAgain) {
    this.#filter = filter;
    this.#warn = warn;
    this.#copyAgain = copyAgain;
  }

  /** What a row of `rowcast.ddl` says; undefined when that is nothing of what is captured. */
  read(row: DdlRow): DdlCommand | undefined {
    const { ddl, passed } = readDdl(row, this.#filter);
    if (passed !== undefined) this.#warnPassed(row.tag, passed);
    for (const change of ddl?.changes ?? []) this.#remember(change);
    const changes = ddl?.changes.filter(
      (change) => !this.#isUnknown(row.tag, change) && !this.#isFilled(row.tag, change),
    );
    if (ddl === undefined || changes === undefined || changes.length === 0) return undefined;
    return { ...ddl, changes: changes.map((change) => this.#voided(ddl, change)) };
  }

  /** The numbers of the columns of a table's key, as of the last statement; undefined when there was none. */
  keyOf(relationId: number): readonly number[] | undefined {
    return this.#keys.get(relationId);
  }

  #voided({ tag }: DdlCommand, change: DdlChange): DdlChange {
    const { after } = change;
    if (after?.kind !== 'table' || !hasUnknownValues(change) || !this.#copyAgain(after.table)) return change;
    const { schema, name } = after.table;
    this.#warn(
      `Table ${schema}.${name} is copied again: ${tag} gave its rows values that only the source knows`,
      'There is nothing to do. Replicas have a part of the table until it is copied.',
    );
    return { ...change, isVoid: true };
  }

  #remember({ before, after }: DdlChange): void {
    if (after?.kind === 'table') {
      const { relationId, key, columns } = after.table;
      this.#keys.set(
        relationId,
        key.map((i) => columns[i]?.attnum ?? -1),
      );
    } else if (before?.kind === 'table') this.#keys.delete(before.table.relationId);
  }

  /** By its new name alone a table would be another one to replicas, and an empty one. */
  #isUnknown(tag: string, { before, after }: DdlChange): boolean {
    if (before !== undefined || after?.kind !== 'table' || after.partition !== undefined) return false;
    if (CREATING.includes(tag)) return false;
    this.#warn(
      `${tag} of ${ddlObjectName(after)} is not replayed: what it was before is not known, because its creation was not recorded`,
      `It is followed with its next row, as without set-up. Run "${INSTALL_AGAIN}" again: it takes down what is here now.`,
    );
    return true;
  }

  /** Rows that were there before the table was published are nowhere: such a table is left out whole (Invariant 7). */
  #isFilled(tag: string, { before, after, hasRows }: DdlChange): boolean {
    if (!hasRows || before !== undefined || after?.kind !== 'table' || after.partition !== undefined) return false;
    this.#warn(
      `Table ${after.table.schema}.${after.table.name} is not captured: ${tag} has created it with rows that are not in the stream`,
      'Create the table empty and then insert the rows.',
    );
    return true;
  }

  #warnPassed(tag: string, object: string): void {
    if (this.#passed.has(tag)) return;
    this.#passed.add(tag);
    this.#warn(
      `${tag} is not replayed on replicas; here it was of ${object}`,
      'Do it on the replica by hand, if it is to have it.',
    );
  }
}
