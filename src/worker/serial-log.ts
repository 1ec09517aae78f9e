import type { Log } from '../log/log.ts';

/** The same log for several tasks: a log takes one publish at a time, so they wait for each other. */
export function serialLog(log: Log): Log {
  let last: Promise<unknown> = Promise.resolve();
  return {
    clusterId: log.clusterId,
    topics: (...args) => log.topics(...args),
    createTopics: (...args) => log.createTopics(...args),
    publish(...args) {
      const result = last.then(() => log.publish(...args));
      last = result.catch(() => {}); // its caller hears of it; the next one starts all the same
      return result;
    },
    read: (...args) => log.read(...args),
    bounds: (...args) => log.bounds(...args),
    trim: (...args) => log.trim(...args),
    release: (...args) => log.release(...args),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  };
}
