import type { SignalTarget } from '../change/signal.ts';
import type { Log } from '../log/log.ts';
import type { HeldSource } from '../source/source.ts';
import type { CheckpointWriter } from './checkpoint-writer.ts';

/** A source that streams, as whoever listens for signals sees it. */
export interface ListenedSource extends SignalTarget {
  readonly log: Log;
  /** Where the topic of signals is read on, as the checkpoints have it; undefined before the first signal. */
  readonly topicOffset: number | undefined;
  /** Everything in that topic below is carried out: stands in the next checkpoint. */
  passed(topicOffset: number): void;
}

/** Listens for signals while a source streams; the composition root knows where. */
export interface SignalListener {
  /** Listens until `signal` aborts. Throws for bugs only: signals do not stop a stream. */
  listen(source: ListenedSource, signal: AbortSignal): Promise<void>;
}

/** What runs while a source streams, and its end. */
export interface Listening extends AsyncDisposable {
  /** Aborts, with the reason, when listening has failed. */
  readonly failed: AbortSignal;
}

/** Lets `listener` hear signals for a source until it is disposed of. */
export function startListening(
  listener: SignalListener | undefined,
  held: Pick<HeldSource, 'tables' | 'signal' | 'syncSequences'>,
  writer: Pick<CheckpointWriter, 'topicOffset' | 'passed' | 'position'>,
  log: Log,
): Listening {
  const ended = new AbortController();
  const failure = new AbortController();
  const source: ListenedSource = {
    log,
    get topicOffset() {
      return writer.topicOffset;
    },
    get position() {
      return writer.position;
    },
    passed: (topicOffset) => writer.passed(topicOffset),
    tables: () => held.tables(),
    signal: (signal) => held.signal(signal),
    syncSequences: () => held.syncSequences(ended.signal),
  };
  const listening = listener?.listen(source, ended.signal).catch((error: unknown) => failure.abort(error));
  return {
    failed: failure.signal,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await listening;
    },
  };
}
