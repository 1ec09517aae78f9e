import { type CopyProgress, isWhole } from '../change/copy-state.ts';
import type { Position } from '../change/position.ts';
import type { Clock } from '../clock.ts';
import type { Converter } from '../converter/converter.ts';
import { failPoint } from '../failpoint.ts';
import type { Log } from '../log/log.ts';
import type { BatchCompression } from '../log/batch-compression.ts';
import { type HeldSource, type Source, VoidCopyError } from '../source/source.ts';
import { BatchEncoder, type EventOptions } from './encode-batch.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import { isInterruption } from './interruption.ts';
import { fallsBack } from './gap.ts';
import { type SignalListener, startListening } from './listening.ts';
import { EventRouter } from './outbox/event-router.ts';
import type { OutboxSettings, TellLeftOut } from './outbox/outbox-settings.ts';
import { type Owned, type OwnershipOptions, type SourceMemory, takeOwnership } from './ownership.ts';
import { Publisher } from './publisher.ts';
import type { SourceProgress } from './source-progress.ts';
import { enter, wait } from './stage.ts';
import { DataTopics, ensureControlTopics, type TopicSettings } from './topics.ts';

export interface SourceLoopOptions {
  readonly source: Source;
  readonly log: Log;
  readonly converter: Converter;
  readonly clock: Clock;
  /** Gives random text for nonces and ids; a port, so that simulations own it. */
  readonly random: () => string;
  /** `topic.prefix`. */
  readonly prefix: string;
  readonly daemon: string;
  readonly topics: TopicSettings;
  readonly tombstones: boolean;
  /** Limit of one record batch: below the topics' max.message.bytes (A12). */
  readonly recordBatchBytes: number;
  /** What the batches of table topics are compressed with; not at all when absent. */
  readonly compression?: BatchCompression | undefined;
  /** What this process knows of its earlier runs of this connector; the caller keeps it and passes it again. */
  readonly memory: SourceMemory;
  readonly progress: SourceProgress;
  /** When a finished copy is made again; `never` when absent. */
  readonly recopy?: OwnershipOptions['recopy'];
  /** Hears why everything is copied again. */
  readonly onCopyAgain?: OwnershipOptions['onCopyAgain'];
  /** How long to wait before a copy that begins, milliseconds. */
  readonly copyDelayMs?: number | undefined;
  /** Listens for signals while the source streams. */
  readonly signals?: SignalListener | undefined;
  /** Which tables are outboxes, and how their rows become events; none when absent. */
  readonly outbox?: OutboxSettings | undefined;
  /** Hears of rows of outboxes that were left out. */
  readonly onLeftOut?: TellLeftOut | undefined;
  /** Hears how far a copy is, after each of its batches. */
  readonly onCopied?: ((progress: CopyProgress) => void) | undefined;
}

/** How long a write in flight may still end after the signal to stop. */
const DRAIN_MS = 5_000;
/** Also while the server decodes a transaction that it has not begun to send. */
const WAITING = 'waiting for changes';

/**
 * Runs a source connector: takes hold of the source, claims the log, finds the last checkpoint that counts, and goes on
 * from there until `signal` aborts (then it resolves) or something fails (PROTOCOL, source 1 to 5). Whatever fails, the next
 * run starts at the first rule again: nothing held in memory is published twice.
 */
export async function runSource(options: SourceLoopOptions, signal: AbortSignal): Promise<void> {
  const { log, prefix, progress } = options;
  progress.state = 'starting';
  const at = (stage: string): void => enter(progress, stage, options.clock.now());
  at('connecting');
  await ensureControlTopics(log, prefix, options.topics, signal);
  failPoint('source.topics-ready');
  const ended = new AbortController();
  const draining = drainAfter(signal, options.clock, ended.signal);
  try {
    await using held = await openSource(options, signal);
    failPoint('source.held');
    at('claiming');
    const owned = await takeOwnership(options, held, signal);
    failPoint('source.owned');
    const dataTopics = new DataTopics(log, prefix, options.topics);
    const writer = new CheckpointWriter(options, dataTopics, owned, draining);
    const encoder = new BatchEncoder({
      ...options,
      now: () => options.clock.now(),
      topicsFor: (tables, abort) => dataTopics.topicsFor(tables, abort),
      events: eventsOf(options, dataTopics),
    });
    await using publisher = new Publisher(options, held, encoder, writer);
    const copy = async (): Promise<void> => {
      progress.state = 'snapshot';
      at('copying');
      await publisher.publishAll((over) => held.snapshot(over), signal, {
        rest: () => at('copying'),
        handedOver: () => noteCopy(options, held),
      });
      failPoint('source.copy-ended');
    };
    let from = owned.position;
    if (from !== undefined && owned.copy !== undefined) {
      at('taking a snapshot'); // waits as well
      if (!(await held.goOn(owned.copy, from, signal))) from = undefined;
      else {
        failPoint('source.copy-gone-on');
        if (!isWhole(owned.copy)) await copy();
      }
    }
    if (from === undefined) {
      if (options.copyDelayMs) {
        wait(progress, 'waiting to copy', options.clock.now());
        await options.clock.sleep(options.copyDelayMs, signal);
      }
      at('creating the slot'); // waits for every transaction that is running
      from = await held.create(signal, owned.previous?.position);
      assertBeyond(owned, from, prefix);
      await publisher.markStart(from);
      failPoint('source.start-marked');
      await copy();
    }
    if (signal.aborted) return;
    progress.state = 'streaming';
    const rest = (): void => wait(progress, WAITING, options.clock.now());
    rest();
    if (publisher.requests !== undefined) held.restore(publisher.requests);
    await using listening = startListening(options.signals, held, writer, log);
    const begin = from;
    await publisher.publishAll((over) => held.read(begin, over), AbortSignal.any([signal, listening.failed]), {
      rest,
      handedOver: () => {
        if (isAhead(held.copying, progress.snapshot)) noteCopy(options, held);
      },
    });
    listening.failed.throwIfAborted();
  } catch (error) {
    if (error instanceof VoidCopyError) options.memory.voidCopy = true;
    if (!isInterruption(error, signal)) throw error;
  } finally {
    ended.abort();
  }
}

function eventsOf({ outbox, onLeftOut }: SourceLoopOptions, topics: DataTopics): EventOptions | undefined {
  if (outbox === undefined) return undefined;
  const router = new EventRouter(outbox, onLeftOut ?? (() => {}));
  return { router, topicsFor: (names, signal) => topics.topicsNamed(names, signal) };
}

function isAhead(copying: CopyProgress | undefined, noted: CopyProgress | undefined): boolean {
  return copying?.rows !== noted?.rows || copying?.percent !== noted?.percent || copying?.table !== noted?.table;
}

function noteCopy({ progress, onCopied, clock }: SourceLoopOptions, { copying }: HeldSource): void {
  if (copying === undefined) return;
  const { snapshot: last } = progress;
  const isNew =
    last === undefined || last.table !== copying.table || last.rows > copying.rows || progress.copyBegan === undefined;
  if (isNew) progress.copyBegan = { at: clock.now(), rows: copying.rows };
  // As it is now: the source goes on counting in its own.
  progress.snapshot = { ...copying };
  onCopied?.(copying);
}

/** A copy that begins below what the log has would let every reader fall back (Invariant 2). */
function assertBeyond({ previous }: Owned, from: Position, prefix: string): void {
  if (previous === null || from >= previous.position) return;
  throw fallsBack(prefix, previous.position, from);
}

async function openSource(
  { source, log, prefix, daemon, random, memory }: SourceLoopOptions,
  signal: AbortSignal,
): Promise<HeldSource> {
  if (memory.incarnation === undefined) {
    const { end } = await log.bounds(`${prefix}.checkpoints`, 0, signal);
    memory.incarnation = { daemon, offset: end, id: random() };
  }
  // Who was refused for a newer process of its own daemon must not end the owner's stream again and again, only to be refused again.
  const takeOver = memory.takeOver && memory.quiet === undefined;
  return await source.open(memory.incarnation, takeOver, signal);
}

/** A signal that aborts a while after `signal`, so that a write in flight may end; a kill would be as safe, only slower. */
function drainAfter(signal: AbortSignal, clock: Clock, ended: AbortSignal): AbortSignal {
  const draining = new AbortController();
  const start = (): void => {
    clock.sleep(DRAIN_MS, ended).then(
      () => draining.abort(signal.reason),
      () => undefined, // the run has ended before
    );
  };
  if (signal.aborted) draining.abort(signal.reason);
  else signal.addEventListener('abort', start, { once: true, signal: ended });
  return draining.signal;
}
