import { OperatorError, TransientError } from '../../errors.ts';
import type { Brokers } from './brokers.ts';
import { partitionName } from './errors.ts';
import { pause } from './pause.ts';
import { existingTopics } from './topics.ts';

/** A topic that was created a moment ago may be unknown to every broker yet. */
const UNKNOWN_ATTEMPTS = 3;
/** An election takes a moment. What takes longer is the supervisor's to wait for. */
const LEADERLESS_ATTEMPTS = 15;
const PAUSE_MS = 100;

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Who leads which partition, as of the last look. */
export class Leaders {
  readonly #brokers: Brokers;
  readonly #leaders = new Map<string, readonly number[]>();

  constructor(brokers: Brokers) {
    this.#brokers = brokers;
  }

  /** The next question about this topic is answered by the cluster, not by memory. */
  forget(topic: string): void {
    this.#leaders.delete(topic);
  }

  forgetAll(): void {
    this.#leaders.clear();
  }

  /**
   * Groups the partitions by the node that leads them. Throws OperatorError for a topic or partition that does not exist, and
   * TransientError for one without a leader.
   */
  async group<T extends TopicPartition>(partitions: readonly T[], signal: AbortSignal): Promise<Map<number, T[]>> {
    await this.#find(partitions, signal);
    const groups = new Map<number, T[]>();
    for (const each of partitions) {
      const node = this.#leaders.get(each.topic)?.[each.partition] as number;
      const group = groups.get(node);
      if (group === undefined) groups.set(node, [each]);
      else group.push(each);
    }
    return groups;
  }

  async of(topic: string, partition: number, signal: AbortSignal): Promise<number> {
    const [node] = (await this.group([{ topic, partition }], signal)).keys();
    return node as number;
  }

  async #find(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const missing = partitions.filter(({ topic, partition }) => !this.#isLed(topic, partition));
      if (missing.length === 0) return;
      if (attempt > 1) {
        this.#assertHope(missing[0] as TopicPartition, attempt - 1);
        if (attempt > 2) await pause(PAUSE_MS, signal);
      }
      await this.#look([...new Set(missing.map(({ topic }) => topic))], signal);
    }
  }

  #isLed(topic: string, partition: number): boolean {
    const node = this.#leaders.get(topic)?.[partition];
    return node !== undefined && node >= 0;
  }

  #assertHope({ topic, partition }: TopicPartition, looks: number): void {
    const leaders = this.#leaders.get(topic);
    if (leaders === undefined && looks >= UNKNOWN_ATTEMPTS) {
      throw new OperatorError(`Topic "${topic}" does not exist`, {
        advice: 'It was deleted or never created; Rowcast never lets a broker create topics by itself.',
      });
    }
    if (leaders !== undefined && partition >= leaders.length && looks >= UNKNOWN_ATTEMPTS) {
      throw new OperatorError(`${partitionName(topic, partition)} does not exist`, {
        advice: 'The topic was created again with fewer partitions.',
      });
    }
    if (looks >= LEADERLESS_ATTEMPTS) {
      throw new TransientError(`${partitionName(topic, partition)} has no leader`, {
        advice: "Look at the brokers' state; the task starts again by itself.",
      });
    }
  }

  async #look(topics: readonly string[], signal: AbortSignal): Promise<void> {
    const existing = await existingTopics(this.#brokers, topics, signal);
    for (const name of topics) {
      const topic = existing.get(name);
      if (topic === undefined) this.#leaders.delete(name);
      else this.#leaders.set(name, topic.leaders);
    }
  }
}
