import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier } from '../../postgres/identifier.ts';
import { setAside } from './adopt.ts';
import { createTarget, evolveTarget } from './bring-columns.ts';
import { checkDeferred } from './deferred.ts';
import { emptyTables, isEmpty } from './empty.ts';
import { isThere, type Known, KnownTables } from './known-tables.ts';
import { admitNulls } from './required.ts';
import { ResolvedTargets } from './resolved-targets.ts';
import type { Session } from './session.ts';
import { type ResolvedSinkSettings, targetName } from './settings.ts';
import { unnumbered } from './shape.ts';
import { describeTarget, describeTargets, findTarget, type TargetTable } from './target-table.ts';
import { ensureSchema } from './type-names.ts';
import type { TypePlace } from './type-place.ts';
import type { Warn } from './warn.ts';
import { failPoint } from '../../failpoint.ts';

/** The target's tables: found, created and brought to the version of the rows that come. */
export class Tables {
  readonly #settings: ResolvedSinkSettings;
  readonly #warn: Warn;
  readonly known: KnownTables;
  #session: Session | undefined;
  readonly #resolved = new ResolvedTargets();

  constructor(settings: ResolvedSinkSettings, warn: Warn) {
    this.#settings = settings;
    this.#warn = warn;
    this.known = new KnownTables(settings);
  }

  /** Binds to the session of a transaction. What was learned stays, unless it is another session. */
  use(session: Session): void {
    if (this.#session !== session) this.forget();
    this.#session = session;
  }

  /** Tables were changed by somebody else in this transaction: they are looked up again. */
  changed(): void {
    this.#resolved.clear();
  }

  /** After a rollback: what was created or altered is not. */
  forget(): void {
    this.known.reset();
    this.changed();
  }

  /** As `resolve`, but leaves a name that another table's rows still have: the first row or a copy decides what becomes of them. */
  async announce(schema: TableSchema, signal: AbortSignal): Promise<void> {
    if (this.resolved(schema) !== undefined) return;
    const { isKnown, holders } = await this.known.claimsOn(this.#open(), schema);
    if (!isKnown && holders.length > 0) {
      const to = this.nameOf(schema);
      const found = await findTarget(this.#open(), schema, to);
      if (found !== undefined && !(await isEmpty(this.#open(), qualified(to.schema, to.name), signal))) return;
    }
    await this.resolve(schema, signal);
  }

  /** The target of a table version; created or altered where it must be and may be. */
  async resolve(schema: TableSchema, signal: AbortSignal): Promise<TargetTable> {
    const found = this.resolved(schema);
    if (found !== undefined) return found;
    const target = await this.#bringTo(schema, signal);
    this.#resolved.keep(schema, target);
    return target;
  }

  /** Looks those up together that `resolve` would only look up: tables of which nothing is known here, at their versions already. */
  async prepare(schemas: readonly TableSchema[]): Promise<void> {
    const first = new Map<number, TableSchema>();
    for (const schema of schemas) {
      const { relationId } = schema;
      if (!first.has(relationId) && !this.#resolved.has(relationId)) first.set(relationId, schema);
    }
    if (first.size < 2) return;
    const session = this.#open();
    const known = await this.known.read(session);
    const wanted = [...first.values()].filter((schema) => isThere(known.get(schema.relationId), schema));
    const targets = wanted.map((schema) => ({ schema, target: this.nameOf(schema) }));
    for (const [schema, target] of await describeTargets(session, targets)) this.#resolved.keep(schema, target);
  }

  /** The target of a table version when the target needs no question for it. */
  resolved(schema: TableSchema): TargetTable | undefined {
    return this.#resolved.find(schema);
  }

  /**
   * Lets columns be empty that the version says are required: it is ahead of rows that were without. False when tables are not to
   * be changed.
   */
  async admitNulls(target: TargetTable, ordinals: readonly number[], signal: AbortSignal): Promise<boolean> {
    if (!this.#settings.autoEvolve) return false;
    const session = this.#open();
    const { schema, name } = target;
    await checkDeferred(this.#open(), signal);
    const open = await admitNulls(session, name, schema, ordinals, signal);
    const isOwned = (await this.known.read(session)).get(schema.relationId)?.isOwned ?? false;
    await this.known.remember(session, open, isOwned, signal);
    const columns = target.columns.map((c) => (ordinals.includes(c.ordinal) ? { ...c, isRequired: false } : c));
    this.#resolved.keep(schema, { ...target, columns });
    return true;
  }

  /** Empties those of the tables that exist on the target. */
  async truncate(schemas: readonly TableSchema[], restartIdentity: boolean, signal: AbortSignal): Promise<void> {
    const names: string[] = [];
    await checkDeferred(this.#open(), signal);
    for (const schema of schemas) {
      const { isKnown, holders } = await this.known.claimsOn(this.#open(), schema);
      if (!isKnown && holders.length > 0) await this.resolve(schema, signal); // the rows there may be another table's
      const found = await findTarget(this.#open(), schema, this.nameOf(schema));
      if (found !== undefined) names.push(qualified(found.facts.schema, found.facts.name));
    }
    await emptyTables(this.#open(), names, restartIdentity, signal);
    failPoint('sink.tables-emptied');
  }

  /**
   * Prepares the tables for a copy. Rows that an earlier copy of ours left are void, before the first finished copy also those of
   * tables that are copied no more; rows that somebody else put there are not touched unless the settings say so.
   */
  async beginCopy(schemas: readonly TableSchema[], isFirst: boolean, signal: AbortSignal): Promise<void> {
    const session = this.#open();
    const full: string[] = [];
    await checkDeferred(this.#open(), signal);
    await this.#voidCopies(schemas, isFirst, signal);
    for (const schema of schemas) {
      const target = await this.resolve(schema, signal);
      const { name } = target;
      const known = (await this.known.read(session)).get(schema.relationId) as Known;
      if (known.isOwned) continue;
      if (!(await isEmpty(session, name, signal))) {
        if (this.#settings.onExisting === 'refuse') {
          throw new OperatorError(`Table ${name} on the target is not empty`, {
            advice:
              'Empty it, or let the connector do it: set target.not.empty to truncate; or to adopt, which compares the rows.',
          });
        }
        if (this.#settings.onExisting === 'adopt') await setAside(session, this.#settings, target, signal);
        full.push(name);
      }
      await this.known.remember(session, known.schema, true, signal);
    }
    await emptyTables(session, full, false, signal);
    failPoint('sink.copy-begun');
  }

  /** Throws OperatorError when rows of other tables would go, or be refused, with the rows of these: foreign keys are checked here. */
  async assertUnreferenced(schemas: readonly TableSchema[], signal: AbortSignal): Promise<void> {
    for (const schema of schemas) {
      const { name, isReferenced } = await this.resolve(schema, signal);
      if (!isReferenced) continue;
      throw new OperatorError(`Table ${name} cannot be copied again: foreign keys of the target refer to it`, {
        advice:
          'Let the role set session_replication_role (grant set on parameter session_replication_role to the role), or drop these foreign keys ' +
          'until the table is copied; then start the connector again: it goes on at the same place.',
      });
    }
  }

  /** Before tables are brought to their versions: an empty one can follow every change of its source. */
  async #voidCopies(schemas: readonly TableSchema[], isFirst: boolean, signal: AbortSignal): Promise<void> {
    const session = this.#open();
    const listed = new Set(schemas.map(({ relationId }) => relationId));
    const full = new Set<string>();
    for (const [relationId, known] of await this.known.read(session)) {
      const isListed = listed.has(relationId);
      const isVoid = known.isOwned || (isListed && this.#settings.onExisting === 'truncate');
      if (!isVoid || !(isListed || isFirst)) continue;
      const at = this.nameOf(known.schema);
      const name = qualified(at.schema, at.name);
      const found = await findTarget(session, known.schema, at);
      if (found !== undefined && !(await isEmpty(session, name, signal))) full.add(name);
    }
    await emptyTables(session, [...full], false, signal);
  }

  async #bringTo(schema: TableSchema, signal: AbortSignal): Promise<TargetTable> {
    const session = this.#open();
    const known = (await this.known.read(session)).get(schema.relationId);
    if (!(await this.known.isAt(session, schema, signal))) {
      try {
        await this.#change(session, schema, known, signal);
      } catch (error) {
        throw postgresError(error, `Cannot bring table ${tableName(schema)} on the target to the source's version`);
      }
    }
    const found = await findTarget(session, schema, this.nameOf(schema));
    if (found === undefined) throw this.#missing(schema);
    return await describeTarget(session, schema, found.oid, found.facts);
  }

  async #change(session: Session, schema: TableSchema, known: Known | undefined, signal: AbortSignal): Promise<void> {
    const to = this.nameOf(schema);
    const name = qualified(to.schema, to.name);
    await checkDeferred(this.#open(), signal);
    if (known !== undefined && this.#settings.autoEvolve) await this.#rename(session, known.schema, schema, signal);
    const found = await findTarget(session, schema, to);
    if (found === undefined) {
      if (!this.#settings.autoCreate) throw this.#missing(schema);
      await ensureSchema(session, this.#settings, to.schema, signal);
      await createTarget(this.typePlace(signal), name, schema);
      failPoint('sink.table-made');
      await this.known.remember(session, schema, true, signal);
      return;
    }
    const before = known ?? (await this.#adopt(session, schema, name, signal));
    const brought = this.#settings.autoEvolve
      ? await evolveTarget(this.typePlace(signal), name, before?.schema, schema, found)
      : schema;
    await this.known.remember(session, brought, before?.isOwned ?? false, signal);
  }

  /** The source's table has a new name: the target's follows, with its rows. */
  async #rename(session: Session, old: TableSchema, schema: TableSchema, signal: AbortSignal): Promise<void> {
    const [from, to] = [this.nameOf(old), this.nameOf(schema)];
    if (from.schema === to.schema && from.name === to.name) return;
    if ((await findTarget(session, old, from)) === undefined) return;
    const [source, target] = [qualified(from.schema, from.name), qualified(to.schema, to.name)];
    const isOthers = (await this.known.claimsOn(this.#open(), old)).holders.length > 0; // somebody made room for another table by hand
    if ((await findTarget(session, old, to)) !== undefined) {
      if (isOthers) return;
      throw new OperatorError(`Table ${source} cannot be renamed: ${target} exists`, {
        advice: 'Rename or drop the table that is in the way on the target.',
      });
    }
    if (isOthers) {
      throw new OperatorError(`Table ${target} does not exist on the target, and ${source} has another table's rows`, {
        advice: `Rename the table that has its rows to ${target}, or copy the source anew.`,
      });
    }
    await ensureSchema(session, this.#settings, to.schema, signal);
    const moved = qualified(to.schema, from.name);
    if (from.schema !== to.schema) {
      await session.client.query(
        /* sql */ `alter table ${qualified(from.schema, from.name)} set schema ${quoteIdentifier(to.schema)}`,
      );
    }
    if (from.name !== to.name)
      await session.client.query(/* sql */ `alter table ${moved} rename to ${quoteIdentifier(to.name)}`);
  }

  /**
   * Another source table had this name. Whether that one was dropped or lives on under a name that its next row will tell, nobody
   * knows here: rows are never removed on a guess. An empty table is taken over.
   */
  async #adopt(session: Session, schema: TableSchema, name: string, signal: AbortSignal): Promise<Known | undefined> {
    const { holders } = await this.known.claimsOn(this.#open(), schema);
    const stranger = holders.find((other) => other.schema.schema !== schema.schema);
    if (stranger !== undefined) {
      throw new OperatorError(
        `Tables ${tableName(stranger.schema)} and ${tableName(schema)} of the source have one target, ${name}`,
        {
          advice:
            'Map their schemas to different ones. If the first one is gone at the source, delete its row from rowcast.tables and empty the target table.',
        },
      );
    }
    if (holders.length > 0 && !(await isEmpty(session, name, signal))) {
      throw new OperatorError(
        `Table ${name} on the target holds the rows of another table, which had this name before`,
        {
          advice:
            'If that one was dropped at the source, truncate it on the target; if it was renamed, rename it on the target in the same way. Then start the connector again.',
        },
      );
    }
    for (const other of holders) await this.known.forget(session, other.schema.relationId, signal);
    const last = holders.at(-1);
    return last && { ...last, schema: unnumbered(last.schema) };
  }

  /** What types are resolved and made with. */
  typePlace(signal: AbortSignal): TypePlace {
    return { session: this.#open(), settings: this.#settings, warn: this.#warn, signal };
  }

  /** Where rows of a source table go. */
  nameOf(schema: Pick<TableSchema, 'schema' | 'name'>): { schema: string; name: string } {
    return targetName(this.#settings, schema);
  }

  #missing(schema: TableSchema): OperatorError {
    const { schema: space, name } = this.nameOf(schema);
    return new OperatorError(`Table ${qualified(space, name)} does not exist on the target`, {
      advice: 'Create it, or set auto.create.',
    });
  }

  #open(): Session {
    if (this.#session === undefined) throw new Error('The tables are used outside a transaction');
    return this.#session;
  }
}
