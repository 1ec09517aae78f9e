import type { TableSchema } from '../../change/table-schema.ts';
import { type ConnectorFile, isSource } from '../../connector/load-file.ts';
import type { SourceConfig } from '../../connector/source-settings.ts';
import type { WantedTopic } from '../../log/kafka/preflight/judge-topics.ts';
import { checkpointsTopic, dataTopic, SCHEMAS_TOPIC, schemaChangesTopic } from '../../log/protocol/topics.ts';
import { controlTopic } from '../../pipeline/topics.ts';
import { recordBatchBytes, replayedPrefix, topicSettings } from '../settings.ts';

/** Claims and checkpoints are small, whatever the rows are. */
const CONTROL_BATCH_BYTES = 65_536;

/** The topics that a connector needs; those of tables as far as the tables are known. */
export function wantedTopics(connector: ConnectorFile, tables: readonly TableSchema[]): readonly WantedTopic[] {
  if (!isSource(connector)) return control(replayedPrefix(connector.config), false, undefined);
  const { topicPrefix: prefix } = connector.config;
  const { replicationFactor } = topicSettings(connector.config);
  return [...control(prefix, true, replicationFactor), ...tables.map((table) => ofTable(connector.config, table))];
}

/** The built-in registry's topic, which sources write and sinks read. */
export function schemasTopic(isWritten: boolean, replicationFactor?: number): WantedTopic {
  const spec = controlTopic(SCHEMAS_TOPIC, replicationFactor);
  return { spec, kind: 'control', isWritten, batchBytes: CONTROL_BATCH_BYTES, prefix: SCHEMAS_TOPIC };
}

function control(prefix: string, isWritten: boolean, replicationFactor: number | undefined): readonly WantedTopic[] {
  return [checkpointsTopic(prefix), schemaChangesTopic(prefix)].map((name) => ({
    spec: controlTopic(name, replicationFactor),
    kind: 'control',
    isWritten,
    batchBytes: CONTROL_BATCH_BYTES,
    prefix: `${prefix}.`,
  }));
}

function ofTable(config: SourceConfig, { schema, name }: TableSchema): WantedTopic {
  const { partitions, config: settings, replicationFactor } = topicSettings(config);
  const topic = dataTopic(config.topicPrefix, schema, name);
  return {
    spec: {
      name: topic,
      partitions,
      config: settings,
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
    },
    kind: 'table',
    isWritten: true,
    batchBytes: recordBatchBytes(config),
    prefix: `${config.topicPrefix}.`,
  };
}
