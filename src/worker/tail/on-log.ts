import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createHttpSchemaStore } from '../../converter/registry/http-store.ts';
import { createLogSchemaStore } from '../../converter/registry/log-store.ts';
import type { SchemaStore } from '../../converter/converter.ts';
import { OperatorError } from '../../errors.ts';
import { openEmbeddedLog } from '../../log/embedded/embedded-log.ts';
import { openKafkaLog } from '../../log/kafka/kafka-log.ts';
import type { Log } from '../../log/log.ts';
import { kafkaSettings } from '../kafka-settings.ts';
import { fromOf } from '../rest/tail-api.ts';
import { schemaTopic } from '../schema-topic.ts';
import { systemClock } from '../system-clock.ts';
import type { WorkerConfig } from '../worker-config.ts';
import { tail, type TailAnswer } from './tail.ts';

/** Reads one page of a topic. */
type ReadPage = (from: string, limit: number, waitMs: number) => Promise<TailAnswer>;

/** Lets `use` read a topic on a log of its own, when no daemon runs. Throws OperatorError when there is no log, or another process has it open. */
export async function tailOnLog(
  config: Pick<WorkerConfig, 'kafka' | 'stateDir' | 'registry'>,
  topic: string,
  use: (page: ReadPage) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using log = await openLog(config, signal);
  const store: SchemaStore = config.registry
    ? createHttpSchemaStore(config.registry)
    : createLogSchemaStore(schemaTopic(log, () => systemClock.now()));
  await use(
    async (from, limit, waitMs) => await tail(log, store, { topic, from: fromOf(from), limit, waitMs }, signal),
  );
}

async function openLog(
  { kafka, stateDir }: Pick<WorkerConfig, 'kafka' | 'stateDir'>,
  signal: AbortSignal,
): Promise<Log> {
  if (kafka) return await openKafkaLog(kafkaSettings(kafka, 'operator'), signal);
  const directory = join(stateDir, 'log');
  if (existsSync(directory)) return await openEmbeddedLog(directory, { signal });
  throw new OperatorError(`There is no log in the state directory ${stateDir}: no daemon has run there`, {
    advice: 'Name the state directory of the daemon with --state, or its brokers with --bootstrap-servers.',
  });
}
