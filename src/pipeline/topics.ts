import { type TableSchema, tableName } from '../change/table-schema.ts';
import { OperatorError } from '../errors.ts';
import type { Log, Topic, TopicSpec } from '../log/log.ts';
import { CONTROL_TOPIC_CONFIG, checkpointsTopic, dataTopic, schemaChangesTopic } from '../log/protocol/topics.ts';

/** Settings of new topics; absent ones are the log's own defaults. */
export interface TopicSettings {
  /** Partitions of a new data topic (1). */
  readonly partitions: number;
  readonly replicationFactor?: number;
  /** `topic.creation.default.*` settings of new data topics. */
  readonly config: Readonly<Record<string, string>>;
}

/** Creates the control topics of a prefix, and refuses ones that would forget claims or checkpoints (A6). */
export async function ensureControlTopics(
  log: Log,
  prefix: string,
  settings: TopicSettings,
  signal: AbortSignal,
): Promise<void> {
  const names = [checkpointsTopic(prefix), schemaChangesTopic(prefix)];
  if ((await log.topics(names, signal)).size < names.length) {
    await log.createTopics(
      names.map((name) => controlTopic(name, settings.replicationFactor)),
      signal,
    );
  }
  const topics = await log.topics(names, signal);
  for (const name of names) verifyControlTopic(name, topics.get(name));
}

/** How a topic that must keep everything, in one order, is created. */
export function controlTopic(name: string, replicationFactor?: number): TopicSpec {
  return {
    name,
    partitions: 1,
    config: CONTROL_TOPIC_CONFIG,
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
  };
}

/** Throws OperatorError unless the topic has one partition and keeps its records for ever. */
export function verifyControlTopic(name: string, topic: Topic | undefined): void {
  if (topic === undefined) {
    throw new OperatorError(`Topic ${name} does not exist`, { advice: 'Start its source first, or create the topic.' });
  }
  if (topic.partitions !== 1) {
    throw new OperatorError(`Topic ${name} has ${topic.partitions} partitions, it must have one`, {
      advice: 'Use another topic.prefix, or delete the topic if nothing needs it.',
    });
  }
  for (const [key, value] of Object.entries(CONTROL_TOPIC_CONFIG)) {
    const actual = topic.config.get(key);
    if (actual === value) continue;
    throw new OperatorError(
      `Topic ${name} has ${key}=${actual ?? 'unset'}, it must be ${value}: it would forget checkpoints`,
      {
        advice: `kafka-configs.sh --alter --topic ${name} --add-config ${key}=${value}`,
      },
    );
  }
}

/** Data topics of a prefix: made when a table first appears, with an id that its checkpoints name. */
export class DataTopics {
  readonly #log: Log;
  readonly #prefix: string;
  readonly #settings: TopicSettings;
  readonly #topics = new Map<string, Omit<Topic, 'config'>>();

  constructor(log: Log, prefix: string, settings: TopicSettings) {
    this.#log = log;
    this.#prefix = prefix;
    this.#settings = settings;
  }

  /** The tables' topics, in their order, created where they are missing. Their partition counts are fixed from then on (B14). */
  async topicsFor(tables: readonly TableSchema[], signal: AbortSignal): Promise<readonly Omit<Topic, 'config'>[]> {
    const nameOf = ({ schema, name }: TableSchema): string => dataTopic(this.#prefix, schema, name);
    await this.#make([...new Set(tables.map(nameOf))], signal);
    return tables.map((table) => this.#made(nameOf(table), ` for table ${tableName(table)}`));
  }

  /** Topics of events by their names, in their order, created as those of tables are. */
  async topicsNamed(names: readonly string[], signal: AbortSignal): Promise<readonly Omit<Topic, 'config'>[]> {
    await this.#make(names, signal);
    return names.map((name) => this.#made(name, ''));
  }

  async #make(names: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#lookUp(names, signal);
    const missing = names.filter((name) => !this.#topics.has(name));
    if (missing.length === 0) return;
    const { partitions, replicationFactor, config } = this.#settings;
    const more = replicationFactor === undefined ? {} : { replicationFactor };
    await this.#log.createTopics(
      missing.map((name) => ({ name, partitions, config, ...more })),
      signal,
    );
    await this.#lookUp(missing, signal);
  }

  #made(name: string, purpose: string): Omit<Topic, 'config'> {
    const topic = this.#topics.get(name);
    if (topic !== undefined) return topic;
    throw new OperatorError(`Topic ${name}${purpose} could not be created`, {
      advice: 'Create it, or let Rowcast create topics (ACL: Create on the topic or the cluster).',
    });
  }

  /** The id of a topic that is written to, by name; control topics included. */
  async ids(names: readonly string[], signal: AbortSignal): Promise<Record<string, string>> {
    await this.#lookUp(names, signal);
    return Object.fromEntries(names.map((name) => [name, this.#topics.get(name)?.id ?? '']));
  }

  /** Asks for those that are not known yet, all at once. */
  async #lookUp(names: readonly string[], signal: AbortSignal): Promise<void> {
    const unknown = names.filter((name) => !this.#topics.has(name));
    if (unknown.length === 0) return;
    for (const [name, { id, partitions }] of await this.#log.topics(unknown, signal))
      this.#topics.set(name, { name, id, partitions });
  }
}
