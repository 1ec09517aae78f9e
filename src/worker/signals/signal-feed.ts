import type { RawSignal } from '../../change/signal.ts';
import type { Clock } from '../../clock.ts';
import { describeError, OperatorError } from '../../errors.ts';
import { NAMED_EVENTS } from '../../observe/events.ts';
import type { Logger } from '../../observe/logger.ts';
import type { ListenedSource, SignalListener } from '../../pipeline/listening.ts';
import { listenToFile } from './file-channel.ts';
import { carryOut, signalHearer } from './hear-signal.ts';
import { listenToTopic, type SignalTopic } from './kafka-channel.ts';
import { type ChannelParts, untilHeard } from './until-heard.ts';

/** The ways by which signals reach one connector, besides the rows of a table, which its source reads, and requests. */
export interface SignalFeedOptions {
  readonly connector: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly topic: SignalTopic | undefined;
  readonly file: string | undefined;
  readonly intervalMs: number;
}

/** A channel that cannot be read is told of again when it still cannot be read after this. */
const TELL_AGAIN_MS = 60_000;

/** Hears the signals of one connector while its source streams: from topic and file, and what it is asked. */
export class SignalFeed implements SignalListener {
  readonly #options: SignalFeedOptions;
  #source: ListenedSource | undefined;

  constructor(options: SignalFeedOptions) {
    this.#options = options;
  }

  async listen(source: ListenedSource, signal: AbortSignal): Promise<void> {
    const { topic, file } = this.#options;
    this.#source = source;
    try {
      await Promise.all([
        topic && listenToTopic(topic, source, this.#parts('signal topic', topic.topic), signal),
        file === undefined ? undefined : listenToFile(file, source, this.#parts('signal file', file), signal),
        aborted(signal),
      ]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#source = undefined;
    }
  }

  /**
   * Carries out what somebody asks for who waits for the answer; resolves when it stands in the log. Throws OperatorError when it cannot be done, or the
   * source does not stream.
   */
  async ask(raw: RawSignal, signal: AbortSignal): Promise<void> {
    const { connector, clock, logger } = this.#options;
    const fields = { connector, signal: raw.place };
    const hear = async (each: RawSignal): Promise<void> =>
      await carryOut(each, this.#streaming(), (fact, more) => logger.info(fact, { ...fields, ...more }));
    await untilHeard(raw, this.#streaming(), { hear, clock }, signal);
  }

  /** The source as it runs now: the one that was asked first may have ended. */
  #streaming(): ListenedSource {
    if (this.#source !== undefined) return this.#source;
    throw new OperatorError(
      `Connector "${this.#options.connector}" does not stream, so it cannot be asked for anything`,
      {
        advice: 'Ask again when `rowcast status` says that it streams.',
      },
    );
  }

  #parts(what: string, name: string): ChannelParts {
    const { connector, clock, logger, intervalMs } = this.#options;
    let told = { message: '', at: 0 };
    const unreadable = (error: unknown): void => {
      const message = describeError(error);
      if (told.message === message && clock.monotonic() - told.at < TELL_AGAIN_MS) return;
      told = { message, at: clock.monotonic() };
      const event = NAMED_EVENTS.unreadable;
      logger.warn(`${what} cannot be read`, { connector, event, name, reason: message });
    };
    return { hear: signalHearer(logger, connector), clock, intervalMs, unreadable };
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
