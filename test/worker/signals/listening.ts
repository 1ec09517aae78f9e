import { listenToTopic, type SignalTopic } from '../../../src/worker/signals/kafka-channel.ts';
import { signalHearer } from '../../../src/worker/signals/hear-signal.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import type { FakeSource, Told } from './fake-source.ts';

/** Lets a source hear the signals of a topic while `work` goes on. */
export async function listening(
  topic: SignalTopic,
  source: FakeSource,
  told: Told,
  work: () => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const parts = {
    hear: signalHearer(told, 'shop'),
    clock: systemClock,
    intervalMs: 10,
    unreadable: (error: unknown) => told.warn(String(error)),
  };
  const ended = listenToTopic(topic, source, parts, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  try {
    await work();
  } finally {
    stop.abort();
    await ended;
  }
}
