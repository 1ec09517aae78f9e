import type { TestProject } from 'vitest/node';
import { canStartKafka, type KafkaServer, startKafka } from '../../src/servers/kafka-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Bootstrap server of the broker that all tests of this run share; undefined where none can be started. */
    kafkaBootstrap: string | undefined;
  }
}

/** Every project of a run loads this file for itself, so what they share hangs on the process. */
interface Shared {
  rowcastKafka?: { users: number; server: Promise<KafkaServer> };
}

/** Starts one broker for the whole run; tests find it by `kafkaForTests` (test/support/kafka.ts). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (!(await canStartKafka())) {
    project.provide('kafkaBootstrap', undefined);
    return async () => undefined;
  }
  const shared = globalThis as Shared;
  shared.rowcastKafka ??= { users: 0, server: startKafka() };
  const kafka = shared.rowcastKafka;
  kafka.users++;
  project.provide('kafkaBootstrap', (await kafka.server).bootstrap);
  return async () => {
    if (--kafka.users > 0) return;
    delete shared.rowcastKafka;
    await (await kafka.server).stop();
  };
}
