import { Findings, type Finding } from '../../../finding.ts';
import type { TopicSpec } from '../../log.ts';
import { brokerError, ErrorCode } from '../errors.ts';
import { allow, alterTopic, type Cluster } from './commands.ts';
import { isAllowed, type Operation, type TopicFacts } from './topic-request.ts';

/** A topic that connectors need, and what for. */
export interface WantedTopic {
  /** How it would be created. */
  readonly spec: TopicSpec;
  /** `control`: claims, checkpoints, schemas; they must never be forgotten. */
  readonly kind: 'control' | 'table';
  /** A source writes it; a sink reads it, and its source creates it. */
  readonly isWritten: boolean;
  /** The largest record batch that is written. */
  readonly batchBytes: number;
  /** Names of this beginning are used. */
  readonly prefix: string;
}

/** What the cluster says about a wanted topic. */
export interface TopicState {
  readonly wanted: WantedTopic;
  /** Undefined when the broker did not answer for it. */
  readonly facts: TopicFacts | undefined;
  /** Effective settings; an error code when they may not be read. */
  readonly config: ReadonlyMap<string, string> | number | undefined;
  /** What a CreateTopics that only validates answered; undefined when it was not asked. */
  readonly creation: { readonly errorCode: number; readonly errorMessage: string | null } | undefined;
}

const AUTHORIZATION = 29;
const CLUSTER_AUTHORIZATION = 31;
const DAY_MS = 86_400_000;

/** Judges topics that exist by their settings and our rights, others by whether they could be created. */
export function judgeTopics(states: readonly TopicState[], cluster: Cluster): readonly Finding[] {
  const found = new Findings();
  for (const state of states) {
    const code = state.facts?.errorCode ?? ErrorCode.unknownTopicOrPartition;
    if (code === AUTHORIZATION) judgeUnseen(state.wanted, cluster, found);
    else if (code === ErrorCode.unknownTopicOrPartition) judgeMissing(state, cluster, found);
    else if (state.facts !== undefined) judgePresent(state, state.facts, cluster, found);
  }
  const problems = found.all.some(({ level }) => level !== 'ok');
  if (!problems && states.length > 0)
    found.ok('topics', `${states.length} topics`, 'They are as they must be, or can be created.');
  return found.all;
}

/** All that is missing at once: a principal that may not even describe a topic will lack the rest too. */
function judgeUnseen({ spec, isWritten, prefix, kind }: WantedTopic, cluster: Cluster, found: Findings): void {
  const operations = ['Describe', 'DescribeConfigs', 'Read', ...(isWritten ? ['Write', 'Create'] : [])];
  const isShared = kind === 'table' || spec.name.startsWith(prefix);
  const fix = isShared ? allow(cluster, operations, prefix, 'prefixed') : allow(cluster, operations, spec.name);
  found.problem(
    'topic rights',
    `topic ${spec.name}`,
    'It may not even be looked at (operation Describe on the topic).',
    fix,
  );
}

function judgeMissing({ wanted, creation }: TopicState, cluster: Cluster, found: Findings): void {
  const { spec, isWritten, prefix } = wanted;
  const object = `topic ${spec.name}`;
  if (!isWritten) return found.ok('topics', object, 'It does not exist yet: its source creates it.');
  if (
    creation === undefined ||
    creation.errorCode === ErrorCode.none ||
    creation.errorCode === ErrorCode.topicAlreadyExists
  )
    return;
  const { errorCode, errorMessage } = creation;
  if (errorCode === AUTHORIZATION || errorCode === CLUSTER_AUTHORIZATION) {
    const isShared = spec.name.startsWith(prefix);
    const fix = allow(
      cluster,
      ['Create', 'Describe', 'DescribeConfigs', 'Read', 'Write'],
      isShared ? prefix : spec.name,
      isShared ? 'prefixed' : 'literal',
    );
    return found.problem(
      'topic rights',
      object,
      'It does not exist and may not be created (operation Create on the topic or the cluster).',
      fix,
    );
  }
  const error = brokerError(errorCode, 'It', errorMessage);
  found.problem(
    'topics',
    object,
    `It does not exist and could not be created: ${error.message}.`,
    fixOf(errorCode, wanted),
  );
}

function fixOf(code: number, { spec }: WantedTopic): string | undefined {
  if (code === 38) return '"topic.creation.default.replication.factor": "-1"';
  if (code === 40) return `Correct the settings topic.creation.default.*: ${Object.keys(spec.config).join(', ')}`;
  if (code === 17) return 'Choose another topic.prefix.';
  return undefined;
}

function judgePresent({ wanted, config }: TopicState, facts: TopicFacts, cluster: Cluster, found: Findings): void {
  const object = `topic ${wanted.spec.name}`;
  judgeRights(wanted, facts, config, cluster, found, object);
  if (wanted.kind === 'control' && facts.partitions !== 1) {
    found.problem(
      'topic settings',
      object,
      `It has ${facts.partitions} partitions, it must have one.`,
      'Choose another topic.prefix; or delete the topic, if nothing needs it.',
    );
  }
  if (facts.leaderless > 0) {
    found.problem(
      'topics',
      object,
      `${facts.leaderless} of its partitions have no leader now.`,
      'Start the brokers that have their replicas.',
    );
  }
  if (!(config instanceof Map)) return;
  judgeSettings(wanted, config, cluster, found, object);
  const insync = Number(config.get('min.insync.replicas') ?? 1);
  if (wanted.isWritten && facts.replicas > 0 && insync > facts.replicas) {
    found.problem(
      'topic settings',
      object,
      `min.insync.replicas is ${insync}, but it has ${facts.replicas} replicas: every write is refused.`,
      alterTopic(cluster, wanted.spec.name, 'min.insync.replicas', String(facts.replicas)),
    );
  }
}

function judgeRights(
  { spec, isWritten }: WantedTopic,
  facts: TopicFacts,
  config: TopicState['config'],
  cluster: Cluster,
  found: Findings,
  object: string,
): void {
  const needed: readonly Operation[] = isWritten ? ['Read', 'Write'] : ['Read'];
  const lacks: string[] = needed.filter((operation) => !isAllowed(facts, operation));
  if (config === AUTHORIZATION) lacks.push('DescribeConfigs');
  if (lacks.length === 0) return;
  found.problem(
    'topic rights',
    object,
    `Operation ${lacks.join(' and ')} on it is not allowed.`,
    allow(cluster, lacks, spec.name),
  );
}

function judgeSettings(
  wanted: WantedTopic,
  config: ReadonlyMap<string, string>,
  cluster: Cluster,
  found: Findings,
  object: string,
): void {
  const { spec, isWritten, batchBytes } = wanted;
  const alter = (key: string, value: string): string => alterTopic(cluster, spec.name, key, value);
  judgeKeeping(wanted, config, cluster, found, object);
  const limit = Number(config.get('max.message.bytes') ?? Number.POSITIVE_INFINITY);
  if (isWritten && limit < batchBytes) {
    found.problem(
      'topic settings',
      object,
      `max.message.bytes is ${limit}, record batches have up to ${batchBytes} bytes.`,
      alter('max.message.bytes', String(batchBytes)),
    );
  }
  if (config.get('unclean.leader.election.enable') === 'true') {
    found.warning(
      'topic settings',
      object,
      'unclean.leader.election.enable is true: a failing broker may take acknowledged records along.',
      alter('unclean.leader.election.enable', 'false'),
    );
  }
}

/** What a topic forgets, and when. */
function judgeKeeping(
  { spec, kind }: WantedTopic,
  config: ReadonlyMap<string, string>,
  cluster: Cluster,
  found: Findings,
  object: string,
): void {
  const alter = (key: string, value: string): string => alterTopic(cluster, spec.name, key, value);
  if (kind === 'control') {
    for (const [key, value] of Object.entries(spec.config)) {
      const actual = config.get(key);
      if (actual !== undefined && actual !== value) {
        found.problem(
          'topic settings',
          object,
          `${key} is ${actual}, it must be ${value}: it would forget what connectors resume from.`,
          alter(key, value),
        );
      }
    }
  } else if (config.get('cleanup.policy')?.includes('compact')) {
    found.problem(
      'topic settings',
      object,
      'cleanup.policy has compact: records that a sink still needs would vanish.',
      alter('cleanup.policy', 'delete'),
    );
  } else {
    const retentionMs = Number(config.get('retention.ms') ?? -1);
    if (retentionMs >= 0 && retentionMs < DAY_MS) {
      found.warning(
        'topic settings',
        object,
        `retention.ms is ${retentionMs}, less than a day: a sink that is behind for longer stops.`,
        alter('retention.ms', String(7 * DAY_MS)),
      );
    }
  }
}
