import type { Control } from '../../change/batch.ts';
import type { DdlCommand } from '../../change/ddl.ts';
import type { SequenceState } from '../../change/sequence-state.ts';
import type { TableSchema } from '../../change/table-schema.ts';
import { RecordError } from '../../errors.ts';
import { decodeJson, encodeJson } from './records.ts';

/** A control change as a record of the schema-changes topic; tables are named by their version under the same claim. */
export function encodeControl(control: Control): Buffer {
  switch (control.kind) {
    case 'table':
    case 'ddl':
    case 'sequences':
      return encodeJson(control);
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
  const json = decodeJson(bytes, topic);
  switch (json?.kind) {
    case 'table':
      return { kind: 'table', table: json.table as TableSchema };
    case 'ddl':
      return { kind: 'ddl', ddl: json.ddl as DdlCommand };
    case 'sequences':
      return { kind: 'sequences', sequences: json.sequences as SequenceState[] };
    case 'truncate':
      return {
        kind: 'truncate',
        tables: (json.tables as number[]).map(tableOf),
        cascade: json.cascade as boolean,
        restartIdentity: json.restartIdentity as boolean,
      };
    case 'snapshot-begin':
    case 'snapshot-again':
    case 'snapshot-end':
      return { kind: json.kind, tables: (json.tables as number[]).map(tableOf) };
    default:
      throw new RecordError(`Topic ${topic} holds a control record of an unknown kind inside a span`, {
        advice: 'A newer Rowcast has written it: start that version for the sink too.',
      });
  }
}
