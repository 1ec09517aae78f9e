import { type TableSchema, tableName } from '../../change/table-schema.ts';
import { OperatorError } from '../../errors.ts';
import { postgresError } from '../../postgres/errors.ts';
import { qualified, quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { createTableSql, evolveSql, type ResolvedTypes } from './ddl.ts';
import { emptyTables, isEmpty } from './empty.ts';
import { keyOf } from './progress.ts';
import type { Session } from './session.ts';
import { type ResolvedSinkSettings, targetSchema } from './settings.ts';
import { describeTarget, findPrimaryKey, findTarget, type TargetTable } from './target-table.ts';
import { addLabels, ensureSchema, resolveType } from './types.ts';

/** What `rowcast.tables` says of a source table: the version that the target was brought to, and whether its rows are ours. */
interface Known {
  readonly schema: TableSchema;
  readonly isOwned: boolean;
}

/** The target's tables: found, created and brought to the version of the rows that come. */
export class Tables {
  readonly #settings: ResolvedSinkSettings;
  #session: Session | undefined;
  #known: Map<number, Known> | undefined;
  #byVersion = new WeakMap<TableSchema, TargetTable>();
  #latest = new Map<number, TargetTable>();

  constructor(settings: ResolvedSinkSettings) {
    this.#settings = settings;
  }

  /** Binds to the session of a transaction. What was learned stays, unless it is another session. */
  use(session: Session): void {
    if (this.#session !== session) this.forget();
    this.#session = session;
  }

  /** After a rollback: what was created or altered is not. */
  forget(): void {
    this.#known = undefined;
    this.#byVersion = new WeakMap();
    this.#latest.clear();
  }

  /** The target of a table version; created or altered where it must be and may be. */
  async resolve(schema: TableSchema, signal: AbortSignal): Promise<TargetTable> {
    const cached = this.#byVersion.get(schema);
    if (cached !== undefined) return cached;
    const latest = this.#latest.get(schema.relationId);
    const target = latest && isSameShape(latest.schema, schema) ? latest : await this.#bringTo(schema, signal);
    this.#byVersion.set(schema, target);
    this.#latest.set(schema.relationId, target);
    return target;
  }

  /** Empties those of the tables that exist on the target. */
  async truncate(schemas: readonly TableSchema[], restartIdentity: boolean, signal: AbortSignal): Promise<void> {
    const names: string[] = [];
    await this.#checkDeferred(signal);
    for (const schema of schemas) {
      const found = await findTarget(this.#open(), schema, this.#nameOf(schema));
      if (found !== undefined) names.push(qualified(found.facts.schema, found.facts.name));
    }
    await emptyTables(this.#open(), names, restartIdentity, signal);
  }

  /**
   * Prepares the tables for a copy. Rows that an earlier copy of ours left are void; rows that somebody else put there are
   * not touched unless the settings say so.
   */
  async beginCopy(schemas: readonly TableSchema[], signal: AbortSignal): Promise<void> {
    const session = this.#open();
    const full: string[] = [];
    await this.#checkDeferred(signal);
    for (const schema of schemas) {
      const { name } = await this.resolve(schema, signal);
      const known = (await this.#readKnown()).get(schema.relationId) as Known;
      if (!(await isEmpty(session, name, signal))) {
        if (!known.isOwned && this.#settings.onExisting === 'refuse') {
          throw new OperatorError(`Table ${name} on the target is not empty`, {
            advice: 'Empty it, or let the connector do it: set on.existing to truncate.',
          });
        }
        full.push(name);
      }
      if (!known.isOwned) await this.#remember(schema, true, signal);
    }
    await emptyTables(session, full, false, signal);
  }

  async #bringTo(schema: TableSchema, signal: AbortSignal): Promise<TargetTable> {
    const session = this.#open();
    const known = (await this.#readKnown()).get(schema.relationId);
    if (known === undefined || !isSameShape(known.schema, schema)) {
      try {
        await this.#change(session, schema, known, signal);
      } catch (error) {
        throw postgresError(error, `Cannot bring table ${tableName(schema)} on the target to the source's version`);
      }
    }
    const found = await findTarget(session, schema, this.#nameOf(schema));
    if (found === undefined) throw this.#missing(schema);
    return await describeTarget(session, schema, found.oid, found.facts);
  }

  async #change(session: Session, schema: TableSchema, known: Known | undefined, signal: AbortSignal): Promise<void> {
    const to = this.#nameOf(schema);
    const name = qualified(to.schema, to.name);
    await this.#checkDeferred(signal);
    if (known !== undefined && this.#settings.autoEvolve) await this.#rename(session, known.schema, to);
    const found = await findTarget(session, schema, to);
    if (found === undefined) {
      if (!this.#settings.autoCreate) throw this.#missing(schema);
      await ensureSchema(session, this.#settings, to.schema);
      await session.single(createTableSql(name, schema, await this.#types(schema, signal)));
      await this.#remember(schema, true, signal);
      return;
    }
    if (known === undefined) await this.#dropPredecessor(session, to, name, signal);
    if (this.#settings.autoEvolve) {
      const types = await this.#types(schema, signal);
      const change = {
        from: known?.schema,
        to: schema,
        target: found.facts,
        types,
        isEmpty: await isEmpty(session, name, signal),
        keepDropped: this.#settings.keepDroppedColumns,
        primaryKey: await findPrimaryKey(session, found.oid),
      };
      for (const text of evolveSql(name, change)) await session.single(text);
    }
    await this.#remember(schema, known?.isOwned ?? false, signal);
  }

  /** The source's table has a new name: the target's follows, with its rows. */
  async #rename(session: Session, old: TableSchema, to: { schema: string; name: string }): Promise<void> {
    const from = this.#nameOf(old);
    if (from.schema === to.schema && from.name === to.name) return;
    if ((await findTarget(session, old, from)) === undefined) return;
    if ((await findTarget(session, old, to)) !== undefined) {
      throw new OperatorError(
        `Table ${qualified(from.schema, from.name)} cannot be renamed: ${qualified(to.schema, to.name)} exists`,
        {
          advice: 'Rename or drop the table that is in the way on the target.',
        },
      );
    }
    await ensureSchema(session, this.#settings, to.schema);
    const moved = qualified(to.schema, from.name);
    if (from.schema !== to.schema) {
      await session.client.query(
        /* sql */ `alter table ${qualified(from.schema, from.name)} set schema ${quoteIdentifier(to.schema)}`,
      );
    }
    if (from.name !== to.name)
      await session.client.query(/* sql */ `alter table ${moved} rename to ${quoteIdentifier(to.name)}`);
  }

  /** Another source table had this name: it was dropped and created anew, and its rows went with it. */
  async #dropPredecessor(
    session: Session,
    to: { schema: string; name: string },
    name: string,
    signal: AbortSignal,
  ): Promise<void> {
    const all = await this.#readKnown();
    for (const [relationId, other] of all) {
      const otherName = this.#nameOf(other.schema);
      if (otherName.schema !== to.schema || otherName.name !== to.name) continue;
      await emptyTables(session, [name], false, signal);
      await session.run(
        /* sql */ `delete from rowcast.tables where ${keyOf(this.#settings).match} and relation_id = ${relationId}`,
        'Cannot update rowcast.tables on the target',
        signal,
      );
      all.delete(relationId);
    }
  }

  async #types(schema: TableSchema, signal: AbortSignal): Promise<ResolvedTypes> {
    const types = new Map<string, string>();
    for (const column of schema.columns) {
      await addLabels(this.#open(), this.#settings, column.type, signal);
      types.set(column.name, await resolveType(this.#open(), this.#settings, column.type));
    }
    return types;
  }

  async #readKnown(): Promise<Map<number, Known>> {
    if (this.#known !== undefined) return this.#known;
    const result = await this.#open().client.query<{ relation_id: string; owned: boolean; definition: TableSchema }>(
      /* sql */ `select relation_id, owned, definition from rowcast.tables where connector = $1 and prefix = $2`,
      [this.#settings.name, this.#settings.prefix],
    );
    const known = result.rows.map((row): [number, Known] => [
      Number(row.relation_id),
      { schema: row.definition, isOwned: row.owned },
    ]);
    this.#known = new Map(known);
    return this.#known;
  }

  async #remember(schema: TableSchema, isOwned: boolean, signal: AbortSignal): Promise<void> {
    await this.#open().run(
      /* sql */ `insert into rowcast.tables (connector, prefix, relation_id, owned, definition)
        values (${keyOf(this.#settings).values}, ${schema.relationId}, ${isOwned}, ${quoteLiteral(JSON.stringify(schema))})
        on conflict (connector, prefix, relation_id) do update set owned = excluded.owned, definition = excluded.definition`,
      'Cannot update rowcast.tables on the target',
      signal,
    );
    (await this.#readKnown()).set(schema.relationId, { schema, isOwned });
  }

  /** Tables with deferred checks outstanding cannot be altered or truncated. */
  async #checkDeferred(signal: AbortSignal): Promise<void> {
    if (this.#open().isReplica) return;
    const sql = /* sql */ `set constraints all immediate; set constraints all deferred`;
    await this.#open().run(sql, 'Cannot check the deferred constraints of the target', signal);
  }

  #nameOf(schema: TableSchema): { schema: string; name: string } {
    return { schema: targetSchema(this.#settings, schema.schema), name: schema.name };
  }

  #missing(schema: TableSchema): OperatorError {
    const { schema: space, name } = this.#nameOf(schema);
    return new OperatorError(`Table ${qualified(space, name)} does not exist on the target`, {
      advice: 'Create it, or set auto.create.',
    });
  }

  #open(): Session {
    if (this.#session === undefined) throw new Error('The tables are used outside a transaction');
    return this.#session;
  }
}

/** Equal but for the version number, which every claim counts anew. */
function isSameShape(a: TableSchema, b: TableSchema): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical(schema: TableSchema): string {
  const { relationId, schema: space, name, columns, key, identity } = schema;
  const parts = columns.map((c) => {
    const { oid, declared, kind, base, baseModifier, labels } = c.type;
    return [
      c.name,
      c.attnum,
      oid,
      declared,
      kind,
      base,
      baseModifier,
      labels,
      c.nullable,
      c.default,
      c.generated,
      c.identity,
    ];
  });
  return JSON.stringify([relationId, space, name, parts, key, identity]);
}
