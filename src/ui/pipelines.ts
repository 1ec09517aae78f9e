import type { Connector, Connectors } from './answers.ts';

/** What replays one source: topics of one prefix, who writes them, and who reads them. */
export interface Pipeline {
  readonly prefix: string;
  readonly sources: readonly Connector[];
  readonly sinks: readonly Connector[];
}

/** Joins sources and sinks by the prefix of their topics; a connector whose file names none stands alone. */
export function pipelinesOf(connectors: Connectors): readonly Pipeline[] {
  const byPrefix = new Map<string, Connector[]>();
  for (const connector of Object.values(connectors)) {
    const prefix = prefixOf(connector);
    byPrefix.set(prefix, [...(byPrefix.get(prefix) ?? []), connector]);
  }
  return [...byPrefix]
    .map(([prefix, members]) => ({
      prefix,
      sources: members.filter(({ info }) => info.type !== 'sink'),
      sinks: members.filter(({ info }) => info.type === 'sink'),
    }))
    .sort((one, other) => one.prefix.localeCompare(other.prefix));
}

/** A sink may name topics instead, `<prefix>.<schema>.<table>`. */
function prefixOf({ info: { config, type } }: Connector): string {
  const given = config['topic.prefix'];
  if (given !== undefined || type !== 'sink') return given ?? '';
  const topic = config['topics']?.split(',')[0]?.trim() ?? '';
  return topic.split('.').slice(0, -2).join('.');
}
