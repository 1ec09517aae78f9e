import { join } from 'node:path';
import { openEmbeddedLog } from '../log/embedded/embedded-log.ts';
import { openKafkaLog } from '../log/kafka/kafka-log.ts';
import type { Log } from '../log/log.ts';
import { ReopeningLog } from './reopening-log.ts';
import { serialLog } from './serial-log.ts';

/** The log as the tasks of one process use it. */
export interface Logs extends AsyncDisposable {
  /** The log for one more task; it is closed with all others. */
  forTask(name: string): Promise<Log>;
}

/** The log in the state directory: one for all tasks, which take turns to publish. */
export async function embeddedLogs(stateDirectory: string): Promise<Logs> {
  const log = await ReopeningLog.open(() => openEmbeddedLog(join(stateDirectory, 'log')));
  const shared = serialLog(log);
  return { forTask: async () => shared, [Symbol.asyncDispose]: () => log[Symbol.asyncDispose]() };
}

/** Kafka: every task has connections of its own, so that none waits for another's answers. */
export function kafkaLogs(bootstrapServers: string, signal: AbortSignal): Logs {
  const open: Log[] = [];
  return {
    async forTask(name) {
      const servers = bootstrapServers.split(',').map((server) => server.trim());
      const log = await openKafkaLog({ bootstrapServers: servers, clientId: `rowcast-${name}` }, signal);
      open.push(log);
      return log;
    },
    async [Symbol.asyncDispose]() {
      for (const log of open.reverse()) await log[Symbol.asyncDispose]();
    },
  };
}
