import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Control } from '../../change/batch.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { RecordError } from '../../errors.ts';
import { areSequences, isDdl, isTable } from './control-shape.ts';
import { decodeJson, encodeJson } from './records.ts';

/** Controls above this size are stored compressed: a statement can touch hundreds of tables, and max.message.bytes is 1 MiB. */
const LARGE_BYTES = 256 * 1024;
/** What one control may come to: all that a Buffer's text can be. */
const MAX_BYTES = 512 * 1024 * 1024;

/** A control change as a record of the schema-changes topic; tables are named by their version under the same claim. */
export function encodeControl(control: Control): Buffer {
  switch (control.kind) {
    case 'table':
    case 'ddl':
    case 'sequences':
      return encodeLarge(control.kind, encodeJson(control));
    case 'truncate':
    case 'snapshot-begin':
    case 'snapshot-again':
    case 'snapshot-end':
      return encodeJson({ ...control, tables: control.tables.map((table) => table.version) });
    default:
      return control satisfies never;
  }
}

/** Reads a control record; `tableOf` gives the tables that the same claim has announced. Throws RecordError for anything else. */
export function decodeControl(bytes: Buffer, topic: string, tableOf: (version: number) => TableSchema): Control {
  const json = inflated(decodeJson(bytes, topic), topic);
  switch (json?.kind) {
    case 'table':
      if (!isTable(json.table)) throw unreadable(topic);
      return { kind: 'table', table: json.table };
    case 'ddl':
      if (!isDdl(json.ddl)) throw unreadable(topic);
      return { kind: 'ddl', ddl: json.ddl };
    case 'sequences':
      if (!areSequences(json.sequences)) throw unreadable(topic);
      return { kind: 'sequences', sequences: json.sequences };
    case 'truncate':
      return {
        kind: 'truncate',
        tables: versionsOf(json, topic).map(tableOf),
        cascade: json.cascade as boolean,
        restartIdentity: json.restartIdentity as boolean,
      };
    case 'snapshot-begin':
    case 'snapshot-again':
    case 'snapshot-end':
      return { kind: json.kind, tables: versionsOf(json, topic).map(tableOf) };
    case undefined:
      throw unreadable(topic);
    default:
      throw new RecordError(`Topic ${topic} holds a control record of an unknown kind inside a span`, {
        advice: 'A newer Rowcast has written it: start that version for the sink too.',
      });
  }
}

/** The table that a record announces; undefined for every other record, and for what nobody can read. Throws OperatorError for a newer format. */
export function decodeTable(bytes: Buffer, topic: string): TableSchema | undefined {
  try {
    const json = inflated(decodeJson(bytes, topic), topic);
    return json?.kind === 'table' && isTable(json.table) ? json.table : undefined;
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

function versionsOf({ tables }: Record<string, unknown>, topic: string): number[] {
  if (!Array.isArray(tables) || !tables.every(Number.isSafeInteger)) throw unreadable(topic);
  return tables as number[];
}

function unreadable(topic: string): RecordError {
  return new RecordError(`Topic ${topic} holds a control record inside a span that cannot be read`, {
    advice: 'It was damaged, or somebody else writes to the topic: look at who has access to it.',
  });
}

function encodeLarge(kind: Control['kind'], plain: Buffer): Buffer {
  if (plain.length <= LARGE_BYTES) return plain;
  return encodeJson({ kind, deflated: deflateRawSync(plain, { level: 3 }).toString('base64') });
}

/** The record that a large one holds; any other as it is. */
function inflated(json: Record<string, unknown> | undefined, topic: string): Record<string, unknown> | undefined {
  if (typeof json?.deflated !== 'string') return json;
  try {
    return decodeJson(inflateRawSync(Buffer.from(json.deflated, 'base64'), { maxOutputLength: MAX_BYTES }), topic);
  } catch (error) {
    throw new RecordError(`Topic ${topic} holds a compressed control record that cannot be read`, {
      cause: error,
      advice: 'Somebody else may write to the topic: look at who has access to it.',
    });
  }
}
