import { describe } from 'vitest';
import { type KafkaLog, openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import { kafkaForTests } from '../../support/kafka.ts';
import { logConformance } from '../conformance.ts';

/** Kafka's own default of max.message.bytes. */
const MAX_MESSAGE_BYTES = 1_048_588;

describe.skipIf(kafkaForTests() === undefined)('on a real broker', () => {
  logConformance('kafka', async () => {
    const bootstrap = kafkaForTests()?.bootstrap ?? '';
    const open = (): Promise<KafkaLog> => openKafkaLog({ bootstrapServers: [bootstrap], clientId: 'conformance' });
    let log = await open();
    return {
      log,
      maxRecordBytes: MAX_MESSAGE_BYTES,
      reopen: async () => {
        await log[Symbol.asyncDispose]();
        log = await open();
        return log;
      },
      close: () => log[Symbol.asyncDispose](),
    };
  });
});
