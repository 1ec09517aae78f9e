import { Kafka, logLevel } from 'kafkajs';

const TOPIC = 'bench.warm-up';
/** Many small requests, then large ones. */
const LOADS = [
  { requests: 2_000, recordsEach: 150, recordBytes: 300 },
  { requests: 600, recordsEach: 90, recordBytes: 10_000 },
];
/** Requests at the same time. */
const LANES = 4;

/**
 * Has a broker take and hand out some hundred thousand records (600 MB) that nobody counts, so that whoever is measured first does not pay for
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
    for (const { requests, recordsEach, recordBytes } of LOADS) {
      const value = Buffer.alloc(recordBytes, 'rowcast ');
      const messages = Array.from({ length: recordsEach }, (_, i) => ({ key: String(i), value }));
      const lane = async (): Promise<void> => {
        for (let i = 0; i < requests / LANES; i++) await producer.send({ topic: TOPIC, messages, acks: -1 });
      };
      await Promise.all(Array.from({ length: LANES }, lane));
    }
  } finally {
    await producer.disconnect();
  }
}

async function consume(kafka: Kafka): Promise<void> {
  const consumer = kafka.consumer({ groupId: TOPIC, maxBytesPerPartition: 64 * 1024 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    let left = LOADS.reduce((sum, { requests, recordsEach }) => sum + requests * recordsEach, 0);
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
