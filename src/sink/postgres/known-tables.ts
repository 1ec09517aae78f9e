import type { TableSchema } from '../../change/table-schema.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { keyOf } from './progress.ts';
import type { Session } from './session.ts';
import { type ResolvedSinkSettings, targetName } from './settings.ts';
import { fits } from './shape.ts';

/** What `rowcast.tables` says of a source table: the version that the target was brought to, and whether its rows are ours. */
export interface Known {
  readonly schema: TableSchema;
  readonly isOwned: boolean;
}

/** Whether the target was brought to what the version says, and nothing is to be noted of it. */
export function isThere(known: Known | undefined, schema: TableSchema): boolean {
  return known !== undefined && fits(known.schema, schema) && known.schema.isFollowed === schema.isFollowed;
}

/** The rows of `rowcast.tables` that belong to this connector, by relation; read once and kept until `reset`. */
export class KnownTables {
  readonly #settings: ResolvedSinkSettings;
  #known: Map<number, Known> | undefined;

  constructor(settings: ResolvedSinkSettings) {
    this.#settings = settings;
  }

  /** After a rollback: what was stored is not. */
  reset(): void {
    this.#known = undefined;
  }

  async read(session: Session): Promise<ReadonlyMap<number, Known>> {
    return await this.#read(session);
  }

  /** Whether the target was brought to what the version says. */
  async isAt(session: Session, schema: TableSchema, signal: AbortSignal): Promise<boolean> {
    const known = (await this.#read(session)).get(schema.relationId);
    if (known === undefined || !fits(known.schema, schema)) return false;
    // From here on the source sends the table's DDL, or does so no more.
    if (known.schema.isFollowed !== schema.isFollowed) await this.remember(session, schema, known.isOwned, signal);
    return true;
  }

  /** Whether the source table is known, and which others have the name of its target. */
  async claimsOn(session: Session, schema: TableSchema): Promise<{ isKnown: boolean; holders: readonly Known[] }> {
    const all = await this.#read(session);
    const at = targetName(this.#settings, schema);
    const holders = [...all.values()].filter((other) => {
      const name = targetName(this.#settings, other.schema);
      return other.schema.relationId !== schema.relationId && name.schema === at.schema && name.name === at.name;
    });
    return { isKnown: all.has(schema.relationId), holders };
  }

  async remember(session: Session, schema: TableSchema, isOwned: boolean, signal: AbortSignal): Promise<void> {
    await session.run(
      /* sql */ `insert into rowcast.tables (connector, prefix, relation_id, owned, definition)
        values (${keyOf(this.#settings).values}, ${schema.relationId}, ${isOwned}, ${quoteLiteral(JSON.stringify(schema))})
        on conflict (connector, prefix, relation_id) do update set owned = excluded.owned, definition = excluded.definition`,
      UPDATING,
      signal,
    );
    (await this.#read(session)).set(schema.relationId, { schema, isOwned });
  }

  async forget(session: Session, relationId: number, signal: AbortSignal): Promise<void> {
    await session.run(
      /* sql */ `delete from rowcast.tables where ${keyOf(this.#settings).match} and relation_id = ${relationId}`,
      UPDATING,
      signal,
    );
    (await this.#read(session)).delete(relationId);
  }

  async #read(session: Session): Promise<Map<number, Known>> {
    if (this.#known !== undefined) return this.#known;
    const result = await session.client.query<{ relation_id: string; owned: boolean; definition: TableSchema }>(
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
}

const UPDATING = 'Cannot update rowcast.tables on the target';
