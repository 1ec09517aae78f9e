import { randomUUID } from 'node:crypto';
import { OperatorError } from '../../errors.ts';
import type { Topic, TopicSpec } from '../log.ts';
import { isJsonObject } from '../../json.ts';
import { type OwnedDirectory, readState, writeState } from './durable-file.ts';

const FILE = 'catalog.json';

/** A topic of this log; frames name it by its number, which is never used again. */
export interface StoredTopic {
  readonly number: number;
  readonly topic: Topic;
  /** `retention.ms` is -1: only `trim` deletes its records. */
  readonly isKept: boolean;
  /** The most that one record batch may have (`max.message.bytes`); absent: the log's own limit. */
  readonly maxBatchBytes: number | undefined;
}

interface CatalogState {
  readonly clusterId: string;
  readonly topics: readonly { name: string; number: number; id: string; config: Record<string, string> }[];
}

/** Which log this is and which topics it has; stored before anything is published to them. */
export class Catalog {
  readonly clusterId: string;
  readonly topics: ReadonlyMap<string, StoredTopic>;

  constructor(clusterId: string, topics: ReadonlyMap<string, StoredTopic>) {
    this.clusterId = clusterId;
    this.topics = topics;
  }

  /** The catalog of a directory; undefined when it has none yet. */
  static async read(directory: string): Promise<Catalog | undefined> {
    const state = await readState(directory, FILE, isCatalogState);
    if (state === undefined) return undefined;
    const topics = state.topics.map(({ name, number, id, config }) => storedTopic(name, number, id, config));
    return new Catalog(state.clusterId, new Map(topics.map((each) => [each.topic.name, each])));
  }

  /** The catalog, a first one if the directory is new. Files whose catalog is gone are not taken for a new log's. */
  static async open(directory: OwnedDirectory, isNew: boolean): Promise<Catalog> {
    const catalog = await Catalog.read(directory.path);
    if (catalog !== undefined) return catalog;
    if (isNew) return await write(directory, new Catalog(randomUUID(), new Map()));
    throw new OperatorError(`Embedded log "${directory.path}" has records but no catalog.json`, {
      advice: 'Restore the file, or start with an empty directory and a new snapshot.',
    });
  }

  /** The catalog with what is missing of `specs` created, durably. Every topic has one partition. */
  async withTopics(directory: OwnedDirectory, specs: readonly TopicSpec[]): Promise<Catalog> {
    const topics = new Map(this.topics);
    for (const { name, config } of specs) {
      if (!topics.has(name)) topics.set(name, storedTopic(name, topics.size + 1, randomUUID(), config));
    }
    if (topics.size === this.topics.size) return this;
    return await write(directory, new Catalog(this.clusterId, topics));
  }
}

function isCatalogState(value: unknown): value is CatalogState {
  if (!isJsonObject(value) || typeof value.clusterId !== 'string' || !Array.isArray(value.topics)) return false;
  return value.topics.every(
    (topic: unknown) =>
      isJsonObject(topic) &&
      typeof topic.name === 'string' &&
      typeof topic.id === 'string' &&
      Number.isSafeInteger(topic.number) &&
      isJsonObject(topic.config) &&
      Object.values(topic.config).every((each) => typeof each === 'string'),
  );
}

async function write(directory: OwnedDirectory, catalog: Catalog): Promise<Catalog> {
  const topics = [...catalog.topics.values()].map(({ number, topic }) => ({
    name: topic.name,
    number,
    id: topic.id,
    config: Object.fromEntries(topic.config),
  }));
  await writeState(directory, FILE, { clusterId: catalog.clusterId, topics } satisfies CatalogState);
  return catalog;
}

function storedTopic(name: string, number: number, id: string, config: Readonly<Record<string, string>>): StoredTopic {
  const maxBatchBytes = config['max.message.bytes'];
  return {
    number,
    topic: { name, id, partitions: 1, config: new Map(Object.entries(config)) },
    isKept: config['retention.ms'] === '-1',
    maxBatchBytes: maxBatchBytes === undefined ? undefined : Number(maxBatchBytes),
  };
}
