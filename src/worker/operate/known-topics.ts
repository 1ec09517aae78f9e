import { checkpointsTopic, schemaChangesTopic } from '../../log/protocol/topics.ts';
import { type ConnectorFile, isSource } from '../../connector/load-file.ts';
import type { Log } from '../../log/log.ts';
import { replayedPrefix } from '../settings.ts';
import { historyOf } from './source-offsets.ts';

/**
 * The topics of a connector, as far as they can be told without reading its log through: the control topics that are there, those that the last
 * checkpoint names, and tables' topics by the `subjects` of their schemas, where the registry is the one built in. A source writes them,
 * a sink reads them.
 */
export async function knownTopics(
  log: Log,
  connector: ConnectorFile,
  subjects: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const prefix = isSource(connector) ? connector.config.topicPrefix : replayedPrefix(connector.config);
  const control = [checkpointsTopic(prefix), schemaChangesTopic(prefix)];
  const tables = tableTopics(prefix, subjects);
  const present = await log.topics([...control, ...tables], signal);
  if (!control.some((topic) => present.has(topic))) return [];
  const checkpoint = (await historyOf(log, prefix, signal))?.checkpoint;
  const named = Object.keys(checkpoint?.topicIds ?? {});
  return [...new Set([...control, ...tables].filter((topic) => present.has(topic)).concat(named))];
}

/** `<prefix>.<schema>.<table>` of every subject of values that is named so. */
function tableTopics(prefix: string, subjects: readonly string[]): readonly string[] {
  const values = subjects.filter((subject) => subject.startsWith(`${prefix}.`) && subject.endsWith('-value'));
  const topics = values.map((subject) => subject.slice(0, -'-value'.length));
  return topics.filter((topic) => /^[^.]+\.[^.]+$/.test(topic.slice(prefix.length + 1)));
}
