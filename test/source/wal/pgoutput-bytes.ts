import type { RelationMessage } from '../../../src/source/wal/decoder.ts';

/** A value's text, null, or undefined for unchanged TOAST. */
export type Cell = string | null | undefined;

function int(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigInt64BE(BigInt(value));
  else if (value < 0) bytes.writeIntBE(value, 0, size);
  else bytes.writeUIntBE(value, 0, size);
  return bytes;
}

function concat(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

export function begin(commitLsn: number, timeUs: number, xid: number): Buffer {
  return concat('B', int(commitLsn, 8), int(timeUs, 8), int(xid, 4));
}

export function commit(commitLsn: number, endLsn: number): Buffer {
  return concat('C', int(0, 1), int(commitLsn, 8), int(endLsn, 8), int(0, 8));
}

export function relation({ relationId, schema, name, identity, columns }: RelationMessage): Buffer {
  const parts = columns.map((column) =>
    concat(int(column.isKey ? 1 : 0, 1), `${column.name}\0`, int(column.typeId, 4), int(column.modifier, 4)),
  );
  return concat('R', int(relationId, 4), `${schema}\0${name}\0`, identity, int(columns.length, 2), ...parts);
}

export function tuple(cells: readonly Cell[]): Buffer {
  const parts = cells.map((cell) => {
    if (cell === null) return 'n';
    if (cell === undefined) return 'u';
    return concat('t', int(Buffer.byteLength(cell), 4), cell);
  });
  return concat(int(cells.length, 2), ...parts);
}

export function insert(relationId: number, after: readonly Cell[]): Buffer {
  return concat('I', int(relationId, 4), 'N', tuple(after));
}

export function update(
  relationId: number,
  old: '' | 'K' | 'O',
  before: readonly Cell[] | undefined,
  after: readonly Cell[],
): Buffer {
  return concat('U', int(relationId, 4), ...(before ? [old, tuple(before)] : []), 'N', tuple(after));
}

export function remove(relationId: number, old: 'K' | 'O', before: readonly Cell[]): Buffer {
  return concat('D', int(relationId, 4), old, tuple(before));
}

export function truncate(relationIds: readonly number[], options: number): Buffer {
  return concat('T', int(relationIds.length, 4), int(options, 1), ...relationIds.map((id) => int(id, 4)));
}
