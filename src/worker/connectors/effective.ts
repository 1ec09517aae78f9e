import { createHash } from 'node:crypto';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { isJsonObject } from '../../json.ts';

/**
 * A digest of what a connector does: two files with the same digest need no restart between them, whatever their white space, order of
 * keys, comments and spelling of defaults. References are resolved, so a changed secret changes it.
 */
export function effectiveDigest({ kind, config }: ConnectorFile): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, config], sortedKeys))
    .digest('base64');
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (value instanceof RegExp) return String(value);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
