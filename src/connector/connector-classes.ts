import type { AnyConnectorClass } from './connector-class.ts';
import { isKnownKey } from './known-keys.ts';
import { maskConfig, maskWhole } from './mask-config.ts';
import { nearest } from './nearest.ts';
import { POSTGRES_QUERY_SOURCE } from './postgres-query-source.ts';
import { POSTGRES_SINK } from './postgres-sink.ts';
import { POSTGRES_TRIGGER_SOURCE } from './postgres-trigger-source.ts';
import { POSTGRES_WAL_SOURCE } from './postgres-wal-source.ts';
import type { RawConfig } from './read-settings.ts';
import { looksSecret } from './secret.ts';

export type { AnyConnectorClass } from './connector-class.ts';

/** Every kind of connector that there is. */
export const CONNECTOR_CLASSES: readonly AnyConnectorClass[] = [
  POSTGRES_WAL_SOURCE,
  POSTGRES_TRIGGER_SOURCE,
  POSTGRES_QUERY_SOURCE,
  POSTGRES_SINK,
];

/** True when `wanted` is the name of the class, or an alias of it. */
export function isNamed(connector: AnyConnectorClass, wanted: string): boolean {
  return wanted === connector.name || Object.hasOwn(connector.aliases, wanted);
}

/** The class of this name or alias; in any case, and without its package (`PostgresConnector`), if `loosely`. */
export function connectorClass(wanted: string, loosely: boolean = false): AnyConnectorClass | undefined {
  const exact = CONNECTOR_CLASSES.find((each) => isNamed(each, wanted));
  if (exact || !loosely) return exact;
  const simple = (name: string): string => (name.split('.').at(-1) as string).toLowerCase();
  return CONNECTOR_CLASSES.find((each) => namesOf(each).some((name) => simple(name) === wanted.toLowerCase()));
}

/** The name of a class and its aliases. */
export function namesOf({ name, aliases }: AnyConnectorClass): readonly string[] {
  return [name, ...Object.keys(aliases)];
}

/** Says that there is no such class, and which one may be meant; continues nothing, ends without a full stop. */
export function unknownClass(wanted: string): string {
  const known = CONNECTOR_CLASSES.flatMap(namesOf);
  const guess = nearest(wanted, known);
  return `connector.class ${wanted} is not known${guess === undefined ? `; known are ${known.join(', ')}` : `; did you mean ${guess}?`}`;
}

/** The config of any connector with its secrets masked; when its class is not known, by the rules of all classes that know the key. */
export function maskConnector(raw: RawConfig): RawConfig {
  const connector = connectorClass(raw['connector.class'] ?? '');
  if (connector) return maskConfig(connector, raw);
  return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, maskByAll(key, value)]));
}

function maskByAll(key: string, value: string): string {
  const knowing = CONNECTOR_CLASSES.filter((each) => isKnownKey(key, each));
  if (knowing.length === 0 || looksSecret(key)) return maskWhole(value);
  return knowing.reduce((masked, each) => maskConfig(each, { [key]: masked })[key] as string, value);
}
