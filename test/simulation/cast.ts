import { starting } from '../../src/pipeline/stage.ts';
import { describeError, OperatorError, TransientError } from '../../src/errors.ts';
import { dataTopic } from '../../src/log/protocol/topics.ts';
import type { SourceMemory } from '../../src/pipeline/ownership.ts';
import { noTimes } from '../../src/pipeline/lag.ts';
import { runSink, type SinkLoopOptions } from '../../src/pipeline/sink-loop.ts';
import type { SinkLife } from '../../src/sink/postgres/claim-in-turn.ts';
import { resetSource } from '../../src/pipeline/reset.ts';
import { runSource } from '../../src/pipeline/source-loop.ts';
import { supervise } from '../../src/pipeline/supervise.ts';
import { Process } from './process.ts';
import { modelConverter } from './world/converter.ts';
import { NotCovered } from './world/postgres.ts';
import { NAMES } from './world/rows.ts';
import { PREFIX, type World } from './world/world.ts';

/** What a process is there for. */
interface Part {
  readonly role: 'source' | 'sink';
  readonly daemon: string;
}

interface Member {
  readonly part: Part;
  readonly process: Process;
  readonly stop: AbortController;
}

/** The processes of a run: starts them, ends them in every way there is, and starts others in their place. */
export class Cast {
  readonly #world: World;
  readonly #members: Member[] = [];
  readonly #hasRival: boolean;
  readonly #takeOver: number;
  readonly #settings: {
    partitions: number;
    tombstones: boolean;
    recordBatchBytes: number;
    chunkBytes: number;
    groupRecords: number;
  };
  readonly #operators = new Set<Process>();
  #nextId = 1;

  constructor(world: World) {
    const { random } = world;
    this.#world = world;
    this.#hasRival = random.chance(0.35);
    this.#takeOver = random.pick([0, 0.3]);
    this.#settings = {
      partitions: random.between(1, 3),
      tombstones: random.chance(0.7),
      recordBatchBytes: random.pick([200, 600, 1_000_000]),
      chunkBytes: random.pick([1, 60, 10_000]),
      groupRecords: random.pick([1, 10, 1000]),
    };
    this.#start({ role: 'source', daemon: 'a' });
    this.#start({ role: 'sink', daemon: 'a' });
    if (this.#hasRival) this.#start({ role: 'source', daemon: 'b' });
  }

  /** Kills a process: nothing it waits for answers, what it has sent may still arrive. */
  crash(): void {
    const member = this.#pick();
    if (member) this.#kill(member, 'crash');
  }

  /** Ends all sinks, as whoever puts their server back does. */
  crashSinks(): void {
    for (const member of this.#members) if (member.part.role === 'sink') this.#kill(member, 'crash');
  }

  /** Asks a process to end; it has some time to do so. */
  stop(): void {
    const member = this.#pick();
    if (!member || member.stop.signal.aborted) return;
    this.#world.count('stop');
    member.process.run(() => member.stop.abort(new Error('Stopped')));
  }

  /** Freezes a process, and perhaps starts another one in its place. */
  freeze(): void {
    const member = this.#pick();
    if (!member || member.process.state !== 'running') return;
    const { process, part } = member;
    this.#world.count('freeze');
    process.freeze();
    this.#lostClient(process);
    if (!process.replaced && this.#world.random.chance(this.#world.hazards.replace)) {
      process.replaced = true;
      this.#world.count('zombie replaced');
      this.#startLater(part);
    }
  }

  /** True while an operator is at work, who has neither ended nor died. */
  get hasOperator(): boolean {
    return [...this.#operators].some(({ state }) => state !== 'dead');
  }

  /** An operator resets the source, whoever runs it, and may die in the middle. */
  reset(): void {
    const { scheduler, random, checker } = this.#world;
    const process = new Process(scheduler, this.#nextId++, 'operator');
    this.#operators.add(process);
    const tools = {
      log: this.#world.log(process),
      clock: process.clock,
      random: () => random.bits().toString(16),
      prefix: PREFIX,
    };
    if (random.chance(0.3)) scheduler.timer(random.between(0, 200), 'operator dies', process.id, () => process.kill());
    checker.asked.resets++;
    this.#world.count('reset asked');
    resetSource(tools, 'rowcast_slot', new AbortController().signal)
      .then(
        ({ kind }) => this.#world.count(`reset ${kind}`),
        (error: unknown) => {
          if (error instanceof TransientError) this.#world.count('reset failed');
          else this.#world.violation(`a reset ended: ${describeError(error)}`);
        },
      )
      .finally(() => this.#operators.delete(process));
  }

  wake(): void {
    const frozen = this.#members.filter(({ process }) => process.state === 'frozen');
    if (frozen.length > 0) this.#wake(this.#world.random.pick(frozen));
  }

  /**
   * The hostility is over: everybody is awake. Of those that were replaced some are ended by their supervisor: incarnations order
   * sources, and of two sinks the one that was replaced waits, and goes on where the other is ended (V8).
   */
  heal(): void {
    for (const member of this.#members) {
      this.#wake(member);
      if (!this.#isToEnd(member)) continue;
      const how = member.process.replaced ? 'replaced ended' : 'successor ended';
      this.#world.scheduler.timer(this.#world.random.between(0, 20_000), how, member.process.id, () =>
        this.#kill(member, how),
      );
    }
  }

  #isToEnd({ part, process }: Member): boolean {
    const { random } = this.#world;
    if (process.replaced) return !random.chance(0.3);
    return this.#predecessorOf(part) !== undefined && random.chance(0.5);
  }

  /** What everybody is doing, for a violation's text. */
  describe(): string {
    return this.#members
      .filter(({ process }) => process.state !== 'dead')
      .map(({ part, process }) => `${part.role} ${part.daemon}#${process.id} ${process.state}`)
      .join(', ');
  }

  #pick(): Member | undefined {
    const alive = this.#members.filter(({ process }) => process.state !== 'dead');
    return alive.length > 0 ? this.#world.random.pick(alive) : undefined;
  }

  #wake({ process }: Member): void {
    if (process.state !== 'frozen') return;
    this.#world.count(process.replaced ? 'zombie woke' : 'woke');
    process.wake();
  }

  #kill({ process, part }: Member, how: string): void {
    if (process.state === 'dead') return;
    this.#world.count(how);
    process.kill();
    this.#lostClient(process);
    if (!process.replaced && !this.#isLeftToPredecessor(part)) this.#startLater(part);
  }

  /** Where a sink has ended and one that it has replaced still lives, nobody need be started: that one goes on by itself (V8). */
  #isLeftToPredecessor(part: Part): boolean {
    const predecessor = this.#predecessorOf(part);
    if (predecessor === undefined || this.#world.random.chance(0.5)) return false;
    predecessor.process.replaced = false;
    this.#world.count('sink left to the one before');
    return true;
  }

  /** A sink that was replaced and lives. */
  #predecessorOf(part: Part): Member | undefined {
    if (part.role !== 'sink') return undefined;
    return this.#members.find(
      (member) => member.part === part && member.process.replaced && member.process.state !== 'dead',
    );
  }

  #lostClient(process: Process): void {
    this.#world.postgres.lostClient(process);
    this.#world.target.lostClient(process);
  }

  #startLater(part: Part): void {
    const { scheduler, random } = this.#world;
    scheduler.timer(random.between(0, 5_000), `start ${part.role}`, 0, () => this.#start(part));
  }

  #start(part: Part): void {
    const process = new Process(this.#world.scheduler, this.#nextId++, `${part.role} ${part.daemon}`);
    const member = { part, process, stop: new AbortController() };
    this.#members.push(member);
    this.#world.scheduler.note(`start ${process.name}`, process.id);
    const task = part.role === 'source' ? this.#source(member) : this.#sink(member);
    const { random } = this.#world;
    const jitter = (): number => random.bits() / 0x1_0000_0000;
    supervise(
      task,
      { clock: process.clock, jitter, onState: (state) => this.#note(member, state) },
      member.stop.signal,
    ).then(
      () => this.#kill(member, 'stopped'),
      (error: unknown) => {
        if (error instanceof NotCovered) return this.#kill(member, 'wider lists refused');
        if (this.#world.isHarmed && error instanceof OperatorError) return this.#told(member, error);
        this.#world.violation(`${part.role} ${part.daemon} ended: ${describeError(error)}`);
      },
    );
  }

  /** History is lost, and a person asked; who only starts it again is told again. */
  #told(member: Member, error: OperatorError): void {
    this.#world.isTold = true;
    this.#kill(member, `told: ${error.message.replaceAll(/[0-9A-F]{16}|\d+/g, '…')}`);
  }

  #note({ part, process }: Member, state: { readonly kind: string; readonly error?: unknown }): void {
    const { scheduler } = this.#world;
    this.#world.count(`${part.role} ${state.kind}`);
    scheduler.note(state.kind, process.id);
    if (state.error !== undefined)
      scheduler.print?.(`\t\t${process.name}#${process.id}: ${describeError(state.error)}`);
  }

  #source({ part, process }: Member): (signal: AbortSignal) => Promise<void> {
    const { random, postgres } = this.#world;
    const takeOver = this.#hasRival && random.chance(this.#takeOver);
    if (takeOver) this.#world.checker.asked.daemons.add(part.daemon);
    const memory: SourceMemory = { incarnation: undefined, stored: undefined, takeOver };
    const options = {
      ...this.#settings,
      source: postgres.source(process),
      log: this.#world.log(process),
      converter: modelConverter(process),
      clock: process.clock,
      random: () => random.bits().toString(16),
      prefix: PREFIX,
      daemon: part.daemon,
      recopy: this.#world.copiesAgain ? ('when lost' as const) : undefined,
      onCopyAgain: () => void this.#world.checker.asked.resets++,
      topics: { partitions: this.#settings.partitions, config: {} },
      memory,
      progress: {
        state: 'starting' as const,
        stage: starting(0),
        changes: 0,
        records: 0,
        bytes: 0,
        checkpoints: 0,
        position: undefined,
        committedAt: 0,
      },
    };
    return (signal) => runSource(options, signal);
  }

  /** A sink of all tables knows no selection, as one without table lists. */
  #selection(): Pick<SinkLoopOptions, 'filter'> {
    const { filters, random } = this.#world;
    const accepted = filters.length === 1 ? (filters[0] as readonly string[]) : random.pick(filters);
    const wanted = accepted.length === NAMES.length ? [] : accepted;
    return { filter: { topics: wanted.map((name) => dataTopic(PREFIX, 'public', name)), topicsRegex: [] } };
  }

  #sink({ part, process }: Member): (signal: AbortSignal) => Promise<void> {
    const owner = { daemon: part.daemon, host: 'host', pid: process.id, started: '2026-11-22T07:00:00.000Z' };
    const life: SinkLife = { owner, hasClaimed: false };
    const options = {
      ...this.#settings,
      log: this.#world.log(process),
      converter: modelConverter(process),
      clock: process.clock,
      name: 'replica',
      prefix: PREFIX,
      ...this.#selection(),
      fetchBytes: 10_000,
      progress: { state: 'starting' as const, stage: starting(0), applied: undefined, ...noTimes() },
    };
    return async (signal) => {
      await using sink = this.#world.target.sink(process, life);
      await runSink({ ...options, sink }, signal);
    };
  }
}
