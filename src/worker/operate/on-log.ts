import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { OperatorError } from '../../errors.ts';
import { openEmbeddedLog } from '../../log/embedded/embedded-log.ts';
import { openKafkaLog } from '../../log/kafka/kafka-log.ts';
import { KnownSlots } from '../connectors/known-slots.ts';
import { kafkaSettings } from '../kafka-settings.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';
import { DroppedSlots } from '../slots/dropped-slots.ts';
import { systemClock } from '../system-clock.ts';
import type { WorkerConfig } from '../worker-config.ts';
import { operate } from './operate.ts';

/**
 * Carries out a request in this process, on a log of its own, when no daemon runs that could do it. Throws OperatorError when another
 * process has the embedded log open, or when there is none.
 */
export async function operateOnLog(
  config: Pick<WorkerConfig, 'kafka' | 'stateDir'>,
  connectors: readonly ConnectorFile[],
  request: OperatorRequest,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const dropped = DroppedSlots.read(config.stateDir);
  const answer = await onOwnLog(config, connectors, request, signal);
  await dropped.decided(request, answer);
  if (request.kind === 'delete' && request.dropSlot && existsSync(config.stateDir)) {
    const known = await KnownSlots.read(config.stateDir, { warn: () => undefined }); // a list that cannot be read tells nobody of it
    await known.forget(request.connector);
  }
  return answer;
}

async function onOwnLog(
  config: Pick<WorkerConfig, 'kafka' | 'stateDir'>,
  connectors: readonly ConnectorFile[],
  request: OperatorRequest,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  if (config.kafka) {
    await using log = await openKafkaLog(kafkaSettings(config.kafka, 'operator'), signal);
    return await operate({ log, forget: undefined, readers: [], connectors, clock: systemClock }, request, signal);
  }
  const directory = join(config.stateDir, 'log');
  if (!existsSync(directory)) {
    throw new OperatorError(`There is no log in the state directory ${config.stateDir}: no daemon has run there`, {
      advice: 'Name the state directory of the daemon with --state, or its brokers with --bootstrap-servers.',
    });
  }
  await using log = await openEmbeddedLog(directory, { signal });
  const forget = log.forget.bind(log);
  return await operate({ log, forget, readers: log.readers, connectors, clock: systemClock }, request, signal);
}
