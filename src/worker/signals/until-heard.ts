import type { HearSignal, RawSignal, SignalTarget } from '../../change/signal.ts';
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';

/** What a channel of signals works with. */
export interface ChannelParts {
  readonly hear: HearSignal;
  readonly clock: Clock;
  /** How long to wait before the channel is looked at again. */
  readonly intervalMs: number;
  /** Tells that the channel cannot be read now; called for every attempt. */
  readonly unreadable: (error: unknown) => void;
}

const RETRY_MS = 200;

/** Lets a signal be carried out, again and again while something stands in its way that passes: a stream that has not begun. */
export async function untilHeard(
  raw: RawSignal,
  target: SignalTarget,
  { hear, clock }: Pick<ChannelParts, 'hear' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      return await hear(raw, target);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
    }
    await clock.sleep(RETRY_MS, signal);
  }
}
