const CHECKPOINTS = 'checkpoints';

/** Claims and checkpoints of one source: one partition, kept for ever (PROTOCOL, records). */
export function checkpointsTopic(prefix: string): string {
  return `${prefix}.${CHECKPOINTS}`;
}

/** What the names of all topics of a source begin with, by the name of its checkpoints; undefined for any other topic. */
export function scopeOfCheckpoints(topic: string): string | undefined {
  return topic.endsWith(`.${CHECKPOINTS}`) ? topic.slice(0, -CHECKPOINTS.length) : undefined;
}

/** Table versions, truncates and snapshot marks of one source: one partition, kept as long as the checkpoints. */
export function schemaChangesTopic(prefix: string): string {
  return `${prefix}.schema-changes`;
}

/** Schemas of the built-in registry; a schema's id is the offset of its first record + 1. */
export const SCHEMAS_TOPIC = '_rowcast_schemas';

/** What a control topic must be set to; anything else loses claims or checkpoints (A6). */
export const CONTROL_TOPIC_CONFIG: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
};

/** `<prefix>.<schema>.<table>` with everything outside Kafka's legal characters replaced, as Debezium names topics. */
export function dataTopic(prefix: string, schema: string, table: string): string {
  return `${prefix}.${schema}.${table}`.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 249);
}
