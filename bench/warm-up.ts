import { Kafka, logLevel } from 'kafkajs';

const TOPIC = 'bench.warm-up';
const REQUESTS = 2_000;
const RECORDS_EACH = 150;
const RECORD_BYTES = 300;
/** Requests at the same time. */
const LANES = 4;

/**
 * Has a broker take and hand out some hundred thousand records that nobody counts, so that whoever is measured first does not pay for
 * what its Java machine compiles by then.
 */
export async function warmUp(bootstrap: string): Promise<void> {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] });
    await produce(kafka);
    await consume(kafka);
    await admin.deleteTopics({ topics: [TOPIC] });
  } finally {
    await admin.disconnect();
  }
}

async function produce(kafka: Kafka): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  try {
    const value = Buffer.alloc(RECORD_BYTES, 'rowcast ');
    const messages = Array.from({ length: RECORDS_EACH }, (_, i) => ({ key: String(i), value }));
    const lane = async (): Promise<void> => {
      for (let i = 0; i < REQUESTS / LANES; i++) await producer.send({ topic: TOPIC, messages, acks: -1 });
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await producer.disconnect();
  }
}

async function consume(kafka: Kafka): Promise<void> {
  const consumer = kafka.consumer({ groupId: TOPIC, maxBytesPerPartition: 64 * 1024 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    let left = REQUESTS * RECORDS_EACH;
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
        if (!restart) reject(error); // it goes on by itself while the coordinator loads
      });
      const eachBatch = async ({ batch }: { batch: { messages: readonly unknown[] } }): Promise<void> => {
        left -= batch.messages.length;
        if (left <= 0) resolve();
      };
      consumer.run({ eachBatch, eachBatchAutoResolve: true }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
}
