import type { Append, Log } from '../log/log.ts';
import { addValue } from '../observe/histogram.ts';
import type { Work } from './work.ts';

/** The same log, which measures what is published: how large, how long it took, and what is on its way. Checkpoints of nothing are left out. */
export function measuredForSource(log: Log, work: Work): Log {
  return {
    ...passedOn(log),
    async publish(appends, ...rest) {
      const bytes = sizeOf(appends);
      if (bytes === 0) return await log.publish(appends, ...rest);
      const began = performance.now();
      work.queueBytes += bytes;
      try {
        const published = await log.publish(appends, ...rest);
        addValue(work.batchSeconds, (performance.now() - began) / 1000);
        addValue(work.batchBytes, bytes);
        return published;
      } finally {
        work.queueBytes -= bytes;
      }
    },
  };
}

/** The same log, which measures what is fetched and not yet committed: whoever commits it takes it off. */
export function measuredForSink(log: Log, work: Work): Log {
  return {
    ...passedOn(log),
    async read(...args) {
      const fetched = await log.read(...args);
      for (const { bytes } of fetched) work.queueBytes += bytes.length;
      return fetched;
    },
  };
}

function sizeOf(appends: readonly Append[]): number {
  return appends.reduce((sum, { records }) => sum + records.byteLength, 0);
}

function passedOn(log: Log): Log {
  return {
    clusterId: log.clusterId,
    topics: (...args) => log.topics(...args),
    createTopics: (...args) => log.createTopics(...args),
    publish: (...args) => log.publish(...args),
    read: (...args) => log.read(...args),
    bounds: (...args) => log.bounds(...args),
    trim: (...args) => log.trim(...args),
    release: (...args) => log.release(...args),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
