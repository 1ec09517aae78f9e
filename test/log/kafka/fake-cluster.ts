import type { Wakefulness } from '../../../src/log/kafka/wakefulness.ts';
import { TransientError } from '../../../src/errors.ts';
import type { Connect, Connection } from '../../../src/log/kafka/connection.ts';
import { type KafkaLog, openKafkaLog } from '../../../src/log/kafka/kafka-log.ts';
import type { FetchedPartition } from '../../../src/log/kafka/protocol/fetch.ts';
import type { ProducedPartition } from '../../../src/log/kafka/protocol/produce.ts';
import type { Answer, KafkaRequest } from '../../../src/log/kafka/protocol/request.ts';
import { ResponseReader } from '../../../src/log/kafka/protocol/wire.ts';

const UNKNOWN_TOPIC_OR_PARTITION = 3;

/** A request as a broker got it. */
export interface Received {
  readonly node: number;
  readonly name: string;
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[];
}

interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Brokers that do what a test says, behind the port that connections come from. `leaders` says who leads the partitions of a
 * topic; requests are decoded from the bytes that would have gone out.
 */
export class FakeCluster {
  readonly leaders: Map<string, number[]> = new Map();
  readonly received: Received[] = [];
  readonly bounds: { start: number; end: number } = { start: 0, end: 0 };
  /** Brokers that have not heard of topics that were created. */
  readonly behind: Set<number> = new Set();
  /** Brokers that nobody can reach. */
  readonly down: Set<number> = new Set();
  maxMessageBytes = 1_048_588;
  connectionsOpened = 0;
  connectionsClosed = 0;
  readonly #created = new Set<string>();
  #nextOffset = 0;

  /** What a leader says about one batch; by default it stores it. */
  onProduce: (node: number, asked: TopicPartition) => Partial<ProducedPartition> | 'missing' | 'lost' | 'silent' =
    () => ({});
  /** What a leader says about one cursor; by default nothing, after the time that it was asked to wait. */
  onFetch: (
    node: number,
    asked: TopicPartition & { offset: number },
  ) => Partial<FetchedPartition> | Promise<Partial<FetchedPartition>> = () => ({});

  open(wakefulness?: Wakefulness): Promise<KafkaLog> {
    const settings = { bootstrapServers: ['fake:1', 'fake:2'], clientId: 'test' };
    return openKafkaLog(settings, undefined, this.connect, wakefulness);
  }

  count(name: string, node?: number): number {
    return this.received.filter((each) => each.name === name && (node === undefined || each.node === node)).length;
  }

  readonly connect: Connect = async ({ port }) => {
    if (this.down.has(port)) throw new TransientError('Connection refused');
    this.connectionsOpened++;
    let isOpen = true;
    let fail: ((error: Error) => void) | undefined;
    const connection: Connection = {
      get isOpen() {
        return isOpen;
      },
      send: (request) =>
        new Promise((resolve, reject) => {
          fail = reject;
          this.#answer(port, request).then((answer) => resolve(answer as never), reject);
        }),
      close: () => {
        if (isOpen) this.connectionsClosed++;
        isOpen = false;
        fail?.(new TransientError('The connection was closed'));
      },
    };
    return connection;
  };

  async #answer(node: number, request: KafkaRequest<Answer>): Promise<object> {
    const body = new ResponseReader(request.name, Buffer.concat(request.body));
    switch (request.name) {
      case 'Metadata':
        this.received.push({ node, name: request.name, partitions: [] });
        return this.#metadata(node, body);
      case 'CreateTopics':
        this.received.push({ node, name: request.name, partitions: [] });
        return this.#createTopics(body);
      case 'DescribeConfigs':
        this.received.push({ node, name: request.name, partitions: [] });
        return this.#configs(node, body);
      case 'Produce':
        return await this.#produce(node, body);
      case 'Fetch':
        return await this.#fetch(node, body, request.waitMs);
      case 'ListOffsets':
        return this.#listOffsets(node, body);
      default:
        throw new Error(`Nobody has told the fake what ${request.name} is`);
    }
  }

  #metadata(node: number, body: ResponseReader): object {
    const brokers = [1, 2].map((each) => ({ node: each, host: 'fake', port: each }));
    const asked = body.compactArray(() => {
      body.raw(16);
      const name = body.compactString();
      body.skipTags();
      return name;
    });
    const topics = asked.map((name) => {
      const leaders = this.#leadersOf(name, node);
      return leaders === undefined
        ? { name, errorCode: UNKNOWN_TOPIC_OR_PARTITION, id: '', leaders: [] }
        : { name, errorCode: 0, id: name, leaders: [...leaders] };
    });
    return { throttleMs: 0, brokers, clusterId: 'fake', controller: 1, topics };
  }

  #leadersOf(topic: string, node: number): readonly number[] | undefined {
    return this.behind.has(node) && this.#created.has(topic) ? undefined : this.leaders.get(topic);
  }

  #createTopics(body: ResponseReader): object {
    const names = body.array(() => {
      const name = body.string();
      body.raw(6);
      body.array(() => body.int32());
      body.array(() => [body.string(), body.nullableString()]);
      return name;
    });
    for (const name of names) {
      this.leaders.set(name, [1]);
      this.#created.add(name);
    }
    return { throttleMs: 0, topics: names.map((topic) => ({ topic, errorCode: 0, errorMessage: null })) };
  }

  #configs(node: number, body: ResponseReader): object {
    const config = new Map([['max.message.bytes', String(this.maxMessageBytes)]]);
    const asked = body.array(() => {
      body.raw(1);
      const topic = body.string();
      body.array(() => body.string());
      return topic;
    });
    const topics = asked.map((topic) => {
      const errorCode = this.#leadersOf(topic, node) === undefined ? UNKNOWN_TOPIC_OR_PARTITION : 0;
      return { topic, errorCode, errorMessage: null, config };
    });
    return { throttleMs: 0, topics };
  }

  async #produce(node: number, body: ResponseReader): Promise<object> {
    body.nullableString();
    body.int16();
    body.int32();
    const asked = body
      .array(() => {
        const topic = body.string();
        return body.array(() => ({ topic, partition: body.int32(), batch: body.bytes() }));
      })
      .flat();
    this.received.push({ node, name: 'Produce', partitions: asked.map((each) => ({ ...each, offset: -1 })) });
    const partitions: object[] = [];
    for (const { topic, partition, batch } of asked) {
      const said = this.onProduce(node, { topic, partition });
      if (said === 'missing') continue;
      if (said === 'lost') throw new TransientError('The connection broke');
      if (said === 'silent') return await new Promise<never>(() => undefined);
      const baseOffset = this.#nextOffset;
      this.#nextOffset += batch.readInt32BE(57);
      partitions.push({ topic, partition, errorCode: 0, baseOffset, errorMessage: null, ...said });
    }
    return { throttleMs: 0, partitions };
  }

  async #fetch(node: number, body: ResponseReader, waitMs: number): Promise<object> {
    body.raw(25);
    const asked = body
      .array(() => {
        const topic = body.string();
        return body.array(() => {
          const partition = body.int32();
          body.int32();
          const offset = body.int64();
          body.raw(12);
          return { topic, partition, offset };
        });
      })
      .flat();
    this.received.push({ node, name: 'Fetch', partitions: asked });
    const partitions: FetchedPartition[] = [];
    for (const each of asked) {
      const said = await this.onFetch(node, each);
      const { topic, partition } = each;
      const empty = { topic, partition, errorCode: 0, highWatermark: 0, logStart: 0, bytes: Buffer.alloc(0) };
      partitions.push({ ...empty, ...said });
    }
    const isNothing = partitions.every(({ errorCode, bytes }) => errorCode === 0 && bytes.length === 0);
    if (isNothing) await new Promise((resolve) => setTimeout(resolve, waitMs));
    return { throttleMs: 0, errorCode: 0, partitions };
  }

  #listOffsets(node: number, body: ResponseReader): object {
    body.raw(5);
    body.int32();
    const topic = body.string();
    body.int32();
    const partition = body.int32();
    body.int32();
    const offset = body.int64() === -2 ? this.bounds.start : this.bounds.end;
    this.received.push({ node, name: 'ListOffsets', partitions: [{ topic, partition, offset }] });
    return { throttleMs: 0, partitions: [{ topic, partition, errorCode: 0, offset }] };
  }
}
