import type { Log } from '../log/log.ts';
import type { Gate } from './gate.ts';

/**
 * A log as one process of a source sees it: its calls pass a gate, and `beforePublish` may hold them up. A process that dies while it publishes has
 * stored nothing, the data without their checkpoint, or both. It outlives the process, so disposing of it does nothing.
 */
export function mortalLog(log: Log, gate: Gate, beforePublish: () => Promise<void>): Log {
  const answered = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    gate.assertAlive();
    const answer = await call();
    gate.cross(`after log.${name}`);
    return answer;
  };
  return {
    get clusterId() {
      return log.clusterId;
    },
    topics: (...given) => answered('topics', () => log.topics(...given)),
    createTopics: (...given) => answered('createTopics', () => log.createTopics(...given)),
    async publish(appends, checkpointOf, signal) {
      await beforePublish();
      gate.cross('before log.publish');
      if (appends.length > 0 && checkpointOf !== undefined) {
        if (gate.isDue) await log.publish(appends, undefined, signal);
        gate.cross('between data and checkpoint');
      }
      const published = await log.publish(appends, checkpointOf, signal);
      gate.cross('after log.publish');
      return published;
    },
    read: (...given) => answered('read', () => log.read(...given)),
    bounds: (...given) => answered('bounds', () => log.bounds(...given)),
    trim: (...given) => answered('trim', () => log.trim(...given)),
    release: (...given) => answered('release', () => log.release(...given)),
    async [Symbol.asyncDispose]() {},
  };
}
