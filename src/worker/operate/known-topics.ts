import { checkpointsTopic, schemaChangesTopic } from '../../log/protocol/topics.ts';
import { type ConnectorFile, isSource } from '../../connector/load-file.ts';
import type { Log } from '../../log/log.ts';
import { replayedPrefix } from '../settings.ts';
import { historyOf } from './source-offsets.ts';

/**
 * The topics of a connector, as far as its log tells without being read through: the control topics that are there, and what the last
 * checkpoint names. A source writes them, a sink reads them.
 */
export async function knownTopics(log: Log, connector: ConnectorFile, signal: AbortSignal): Promise<readonly string[]> {
  const prefix = isSource(connector) ? connector.config.topicPrefix : replayedPrefix(connector.config);
  const control = [checkpointsTopic(prefix), schemaChangesTopic(prefix)];
  const present = await log.topics(control, signal);
  if (present.size === 0) return [];
  const checkpoint = (await historyOf(log, prefix, signal))?.checkpoint;
  return [...new Set([...control.filter((topic) => present.has(topic)), ...Object.keys(checkpoint?.topicIds ?? {})])];
}
