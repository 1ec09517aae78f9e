import { basename } from 'node:path';
import { parseObject } from '../../connector/connector-file.ts';
import type { RawConfig } from '../../connector/parse-config.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';

/** A connector as its file is to have it; `config` without a name. */
export interface NewContent {
  readonly name: string;
  readonly config: RawConfig;
}

/**
 * The text of a connector's file: Connect's `{"name", "config"}`, or the form that `existing` has, the file's present text. Settings stay in
 * their order and as they are written there; new ones follow.
 */
export function connectorText({ name, config }: NewContent, file: string, existing: string | undefined): string {
  const before = existing === undefined ? undefined : parseObject(existing);
  if (before === undefined || typeof before === 'string') return print({ name, config });
  if (isJsonObject(before.config)) {
    const inside = Object.hasOwn(before.config, 'name') ? { ...config, name } : config;
    return print({ ...before, name, config: inOrder(inside, before.config) });
  }
  const isNamed = Object.hasOwn(before, 'name') || basename(file, '.json') !== name;
  return print(inOrder(isNamed ? { name, ...config } : config, before));
}

/**
 * A name for the file of a new connector that none of `taken` has: the connector's own and `.json` where that is a file name everywhere.
 * The connector's name stands in the file in any case.
 */
export function fileNameFor(name: string, taken: ReadonlySet<string>): string {
  const safe = name
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[._-]+/, '')
    .slice(0, 100);
  const stem = safe === '' ? 'connector' : safe;
  const lower = new Set([...taken].map((each) => each.toLowerCase())); // some file systems know no case
  for (let number = 1; ; number++) {
    const file = number === 1 ? `${stem}.json` : `${stem}-${number}.json`;
    if (!lower.has(file.toLowerCase())) return file;
  }
}

/** The settings in the order that they had; a number or a boolean that says the same stays one, and so does the editor's `$schema`. */
function inOrder(config: RawConfig, before: JsonObject): JsonObject {
  const kept = Object.keys(before).filter((key) => Object.hasOwn(config, key) || key === '$schema');
  const added = Object.keys(config).filter((key) => !Object.hasOwn(before, key));
  return Object.fromEntries(
    [...kept, ...added].map((key) => [
      key,
      isSaid(before[key], config[key]) ? before[key] : (config[key] ?? before[key]),
    ]),
  );
}

/** An object says nothing, whatever it has as its own `toString`. */
function isSaid(value: unknown, text: string | undefined): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value) && String(value as string | number | boolean) === text;
}

function print(object: JsonObject): string {
  return `${JSON.stringify(object, undefined, 2)}\n`;
}
