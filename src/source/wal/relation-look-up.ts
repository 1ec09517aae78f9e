import type pg from 'pg';
import type { TableSchema } from '../../change/table-schema.ts';
import { lookUpRelations, lookUpTypes, type RelationFacts } from '../../postgres/catalog.ts';
import type { Capture } from '../source.ts';
import type { AddedTables } from './added-tables.ts';
import { findDdlLog } from './ddl/ddl-log.ts';
import type { DdlReader } from './ddl/ddl-reader.ts';
import type { RelationMessage } from './decoder.ts';
import type { CaptureFilter } from '../capture/filter.ts';
import { ddlLogRelation, describeRelation, missingTypes, type Relation, typeKey } from './relation.ts';
import type { HeardSignals } from './signals/heard-signals.ts';
import type { Warn } from '../capture/warn.ts';

export interface RelationLookUpParts {
  readonly client: pg.Client;
  readonly filter: CaptureFilter;
  readonly capture: Capture;
  readonly warn: Warn;
}

/** What a stream tells of DDL. */
export interface ToldDdl {
  /** It tells what becomes of tables. */
  readonly isFollowed: boolean;
  readonly ddl: Pick<DdlReader, 'keyOf'>;
}

/** Looks up what the stream does not tell of a relation: once for each of its versions. */
export class RelationLookUp {
  readonly #parts: RelationLookUpParts;
  readonly #added: Pick<AddedTables, 'isKnown' | 'look'>;
  readonly #signals: Pick<HeardSignals, 'layoutOf'>;
  /** What was asked together with an earlier message; undefined: the relation was gone. */
  readonly #facts = new WeakMap<RelationMessage, { readonly found: RelationFacts | undefined }>();

  constructor(
    parts: RelationLookUpParts,
    added: Pick<AddedTables, 'isKnown' | 'look'>,
    signals: Pick<HeardSignals, 'layoutOf'>,
  ) {
    this.#parts = parts;
    this.#added = added;
    this.#signals = signals;
  }

  /**
   * The relation of a message, which had the shape `previous` before. `behind` are messages that have arrived behind it: what the catalog tells of
   * their relations is asked for at the same time, and kept for when their turn comes.
   */
  async describe(
    message: RelationMessage,
    previous: TableSchema | undefined,
    behind: readonly RelationMessage[],
    { isFollowed, ddl }: ToldDdl,
  ): Promise<Relation> {
    const { client, filter, capture } = this.#parts;
    if (message.schema === 'rowcast' && message.name === 'ddl' && (await this.#isDdlLog(message))) {
      return ddlLogRelation(message);
    }
    // Before its first change: an update of a row that was there before the table was captured finds none at a replica.
    const isCaptured = filter.table(message.schema, message.name);
    if (isCaptured && capture.tables !== undefined && !this.#added.isKnown(message.relationId))
      await this.#added.look();
    const facts = await this.#factsOf(message, behind);
    const missing = missingTypes(message, facts);
    const found = await lookUpTypes(client, missing);
    const types = new Map(found.map((type, i) => [typeKey(missing[i]?.typeId ?? 0, missing[i]?.modifier ?? -1), type]));
    const relation = describeRelation(message, facts, types, previous, filter, ddl.keyOf(message.relationId));
    const signals = this.#signals.layoutOf(message);
    return {
      ...relation,
      ...(isFollowed && { table: { ...relation.table, isFollowed: true } }),
      ...(signals && { signals }),
    };
  }

  /** Stream first, catalog second: facts are never older than their message. */
  async #factsOf(message: RelationMessage, behind: readonly RelationMessage[]): Promise<RelationFacts | undefined> {
    const known = this.#facts.get(message);
    if (known !== undefined) return known.found;
    const { client, filter } = this.#parts;
    const asked = behind.filter((each) => !this.#facts.has(each) && filter.table(each.schema, each.name));
    const ids = new Set([message, ...asked].map(({ relationId }) => relationId));
    const found = await lookUpRelations(client, [...ids]);
    for (const each of asked) this.#facts.set(each, { found: found.get(each.relationId) });
    return found.get(message.relationId);
  }

  /** Anybody can call a table so: it is believed only when it is what was installed (Invariant 11). */
  async #isDdlLog({ relationId }: RelationMessage): Promise<boolean> {
    if ((await findDdlLog(this.#parts.client)) === relationId) return true;
    this.#parts.warn(
      'Rows of table rowcast.ddl are passed over: somebody else could have written them, or DDL replication was taken away',
      'Set it up again: rowcast check --install-ddl.',
    );
    return false;
  }
}
