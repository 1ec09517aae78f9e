import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, TransientError } from '../errors.ts';
import { openKafkaLog } from '../log/kafka/kafka-log.ts';
import type { Log } from '../log/log.ts';
import type { Logger } from '../observe/logger.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { serialLog } from './serial-log.ts';
import type { KafkaClientConfig } from './worker-config.ts';

const KAFKA_RETRY_MS = 2000;
/** It is told again that Kafka does not answer when so many attempts have failed since the last time. */
const TELL_EVERY = 15;

/** The daemon's own way to Kafka. Waits for brokers that do not answer yet (they may start later than we do), and says so. */
export async function openDaemonKafka(config: KafkaClientConfig, logger: Logger, signal: AbortSignal): Promise<Log> {
  for (let attempt = 0; ; attempt++) {
    try {
      return serialLog(await openKafkaLog(kafkaSettings(config, 'daemon'), signal));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      if (attempt % TELL_EVERY === 0) tellWaiting(config, error, logger);
      await sleep(KAFKA_RETRY_MS, undefined, { signal });
    }
  }
}

function tellWaiting({ bootstrapServers }: KafkaClientConfig, error: TransientError, logger: Logger): void {
  logger.warn('Kafka does not answer and is waited for', {
    servers: bootstrapServers.join(', '),
    message: describeError(error),
    advice: error.advice ?? 'Start its brokers, or correct bootstrap.servers.',
  });
}
