import { Op } from '../change/batch.ts';
import type { TableSchema } from '../change/table-schema.ts';
import { PositionLostError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { decodeTable } from '../log/protocol/control-codec.ts';
import {
  HEADER,
  headerClaim,
  headerNumber,
  headerOp,
  headerTableVersion,
  isHeader,
  refuseNewerHeader,
} from '../log/protocol/header.ts';
import { schemaChangesTopic } from '../log/protocol/topics.ts';
import { RecordReader } from '../log/record-reader.ts';

/** How much of the schema-changes topic is read at once. */
const READ_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 1_000;

interface Announced {
  readonly table: TableSchema;
  readonly number: number;
}

/** The table versions of one log. One claim gives each of its versions once, so strays cannot contradict (docs/format.md). */
export class TableVersions {
  readonly #prefix: string;
  readonly #claims = new Map<number, Map<number, Announced>>();
  /** Of each table as it was announced last. */
  readonly #columns = new Map<number, TableSchema['columns']>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Returns the version as it is kept. `number` is that of the checkpoint that it was announced for, where that is asked for. */
  add(claim: number, table: TableSchema, number: number = Number.POSITIVE_INFINITY): TableSchema {
    let versions = this.#claims.get(claim);
    if (versions === undefined) this.#claims.set(claim, (versions = new Map()));
    const kept = this.#shared(table);
    versions.set(table.version, { table: kept, number });
    return kept;
  }

  /** What claims before this one have announced is of no use any more: all that they cover was applied. */
  forgetBefore(claim: number): void {
    for (const known of this.#claims.keys()) if (known < claim) this.#claims.delete(known);
  }

  /** Every claim announces all tables anew: what has not changed since the one before is there once. */
  #shared(table: TableSchema): TableSchema {
    const last = this.#columns.get(table.relationId);
    const isSame = last !== undefined && JSON.stringify(last) === JSON.stringify(table.columns);
    if (isSame) return { ...table, columns: last };
    this.#columns.set(table.relationId, table.columns);
    return table;
  }

  /** What was announced, when this was loaded, up to checkpoint `number`: rows of other tables all lie behind it. */
  announced(number: number): readonly TableSchema[] {
    const all = [...this.#claims.values()].flatMap((versions) => [...versions.values()]);
    return all.flatMap((each) => (each.number <= number ? [each.table] : []));
  }

  /** The table that `claim` announced as `version`. Throws PositionLostError when it did not. */
  get(claim: number, version: number): TableSchema {
    const announced = this.#claims.get(claim)?.get(version);
    if (announced !== undefined) return announced.table;
    throw new PositionLostError(
      `Topic ${schemaChangesTopic(this.#prefix)} lost history: version ${version} of claim ${claim} is missing`,
      {
        advice: 'The topic was trimmed or deleted. Make a new replica by a snapshot under a new topic.prefix.',
      },
    );
  }
}

/**
 * Reads the table versions that `since` and later claims have announced so far; what follows arrives in its place among the changes. Claims grow
 * with every start of a source, and each announces all tables: who goes on under the last one need not decode what all of them have said.
 */
export async function loadTableVersions(
  log: Log,
  prefix: string,
  since: number,
  signal: AbortSignal,
): Promise<TableVersions> {
  const topic = schemaChangesTopic(prefix);
  const versions = new TableVersions(prefix);
  const { start, end } = await log.bounds(topic, 0, signal);
  for (let offset = start; offset < end; ) {
    const [fetched] = await log.read([{ topic, partition: 0, offset }], READ_BYTES, WAIT_MS, signal);
    if (fetched === undefined) continue;
    const reader = new RecordReader(fetched.bytes);
    while (reader.next()) {
      if (reader.offset < offset) continue;
      offset = reader.offset + 1;
      addVersion(versions, reader, topic, since);
    }
  }
  return versions;
}

function addVersion(versions: TableVersions, reader: RecordReader, topic: string, since: number): void {
  if (reader.valueStart < 0 || !reader.findHeader(HEADER)) return;
  const { bytes, headerStart } = reader;
  refuseNewerHeader(bytes, headerStart, reader.headerEnd, `${topic}/0@${reader.offset}`);
  if (!isHeader(bytes, headerStart, reader.headerEnd)) return;
  if (headerOp(bytes, headerStart) !== Op.control || headerTableVersion(bytes, headerStart) === 0) return;
  const claim = headerClaim(bytes, headerStart);
  if (claim < since) return;
  // What else stands here, strays that nobody can read included, is of account only where a span covers it.
  const table = decodeTable(bytes.subarray(reader.valueStart, reader.valueEnd), topic);
  if (table !== undefined) versions.add(claim, table, headerNumber(bytes, headerStart));
}
