import { type AnyConnectorClass, CONNECTOR_CLASSES, connectorClass, namesOf } from './connector-classes.ts';

/** A kind of connector, under one of its names. */
export interface FoundPlugin {
  readonly connector: AnyConnectorClass;
  /** The whole name that was meant: the class's own, or an alias. */
  readonly name: string;
}

/**
 * A class by its name or an alias; whole, without its package, or without `Connector` at its end, as Connect finds plugins. Undefined when
 * there is none.
 */
export function findPlugin(wanted: string): FoundPlugin | undefined {
  const exact = connectorClass(wanted);
  if (exact !== undefined) return { connector: exact, name: wanted };
  const connector = connectorClass(wanted, true) ?? connectorClass(`${wanted}Connector`, true);
  if (connector === undefined) return undefined;
  const simple = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const isMeant = (name: string): boolean => [simple(wanted), `${simple(wanted)}connector`].includes(simple(name));
  return { connector, name: namesOf(connector).find(isMeant) ?? connector.name };
}

/** What Connect says when there is no such class. */
export function noPlugin(wanted: string): string {
  const known = CONNECTOR_CLASSES.flatMap(namesOf).join(', ');
  return `Failed to find any class that implements Connector and which name matches ${wanted}, available connectors are: ${known}`;
}
