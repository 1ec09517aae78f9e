import { Checker } from '../checker.ts';
import type { Process } from '../process.ts';
import type { Random } from '../../../src/torture/random.ts';
import type { Scheduler } from '../scheduler.ts';
import { chooseHazards, type Hazards } from './hazards.ts';
import { ModelLog, Retention } from './model-log.ts';
import { Postgres } from './postgres.ts';
import { NAMES } from './rows.ts';
import { type Partition, Storage } from './storage.ts';
import { Target } from './target.ts';

export const PREFIX = 'shop';
export const CHECKPOINTS: string = `${PREFIX}.checkpoints`;

/** Everything outside the processes: servers, their truth, and how badly they behave in this run. */
export class World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly hazards: Hazards;
  readonly storage: Storage;
  readonly retention: Retention = new Retention();
  readonly postgres: Postgres;
  readonly target: Target;
  readonly checker: Checker;
  /** How often what happened. */
  readonly counts: Map<string, number> = new Map();
  /** In this run an operator may reset the source. */
  isReset = false;
  /** In this run the log forgets what is released at once. */
  isForgetful = false;
  /** Part of the history was taken away: whoever needs it has to say so, or nobody does. */
  isHarmed = false;
  /** Somebody has said so, and ended. */
  isTold = false;
  /** A source copies everything again where it would have to say so. */
  copiesAgain = false;
  /** What went wrong first. */
  failure: string | undefined;
  /** Names of the tables that the sink wants; one of these lists at each start. */
  filters: readonly (readonly string[])[];
  readonly #isAtomic: boolean;

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
    this.random = scheduler.random;
    this.hazards = chooseHazards(this.random);
    this.#isAtomic = this.random.chance(0.12);
    const unwanted = this.random.chance(0.2) ? this.random.pick(NAMES) : undefined;
    this.filters = [NAMES.filter((name) => name !== unwanted)];
    this.storage = new Storage(this.random);
    this.postgres = new Postgres(this);
    this.target = new Target(this);
    this.checker = new Checker(this.postgres.database, (what) => this.violation(what));
    this.storage.onRecord = (partition, reader) => {
      if (partition.topic === CHECKPOINTS) this.checker.ledger.stored(reader);
    };
    this.storage.onAppend = ({ topic }, { base, count }) => {
      this.count('append');
      scheduler.note(topic, base * 64 + count);
    };
  }

  log(process: Process): ModelLog {
    return new ModelLog(this, process, this.#isAtomic);
  }

  /** In such a run some starts of a source have wider lists than the others. */
  hasWide = false;

  isWide({ id }: Process): boolean {
    return this.hasWide && id % 6 > 3;
  }

  violation(what: string): void {
    this.failure ??= what;
    this.scheduler.print?.(`VIOLATION\t${what}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Deletes records of one data partition that no reader needs any more. */
  expire(): void {
    const partitions = [...this.storage.topics.values()].flatMap((topic) => topic.partitions);
    if (partitions.length === 0) return;
    this.#expire(this.random.pick(partitions));
  }

  /** As the embedded log, which forgets when it is told. */
  released(): void {
    if (!this.isForgetful) return;
    for (const { partitions } of this.storage.topics.values())
      for (const partition of partitions) this.#expire(partition);
  }

  #expire(partition: Partition): void {
    if (partition.topic.endsWith('.checkpoints') || partition.topic.endsWith('.schema-changes')) return;
    const before = partition.start;
    partition.trim(this.retention.limit(partition, this.storage));
    if (partition.start > before) this.count('retention');
  }
}
