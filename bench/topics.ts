import { type Admin, Kafka, logLevel } from 'kafkajs';

/** What a broker has, asked the same way for every contestant that writes to Kafka. */
export class Topics implements AsyncDisposable {
  readonly #admin: Admin;

  private constructor(admin: Admin) {
    this.#admin = admin;
  }

  static async connect(bootstrap: string): Promise<Topics> {
    const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    return new Topics(admin);
  }

  /** Records of a topic, all partitions together; 0 when there is none. */
  async records(topic: string): Promise<number> {
    const offsets = await this.#admin.fetchTopicOffsets(topic).catch(() => []); // it does not exist yet
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  }

  async create(topic: string): Promise<void> {
    await this.#admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect();
  }
}
