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

  async create(topic: string, partitions: number): Promise<void> {
    await this.#admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
  }

  /** All whose names begin so: nobody reads them any more, and the disk is shared. */
  async delete(prefix: string): Promise<void> {
    const topics = (await this.#admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    if (topics.length > 0) await this.#admin.deleteTopics({ topics });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect();
  }
}
