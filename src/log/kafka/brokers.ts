import { OperatorError, TransientError } from '../../errors.ts';
import type { BrokerAddress, Connect, Connection } from './connection.ts';
import type { Answer, KafkaRequest } from './protocol/request.ts';
import { type MetadataAnswer, metadataRequest } from './protocol/metadata.ts';

/** Less than the five minutes after which many load balancers drop a silent connection, and Kafka's ten. */
const MAX_IDLE_MS = 240_000;

interface Idle {
  readonly connection: Connection;
  readonly since: number;
}

/**
 * The brokers of one cluster and our connections to them. A request has a connection for itself: it never waits behind a long
 * poll, and what an error leaves in a connection is thrown away with it.
 */
export class Brokers {
  readonly #connect: Connect;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #addresses = new Map<number, BrokerAddress>();
  readonly #idle = new Map<string, Idle[]>();
  readonly #open = new Set<Connection>();
  readonly #opening = new Set<AbortController>();
  #controller = -1;
  #isClosed = false;

  /** `servers` are `host:port`. */
  constructor(servers: readonly string[], connect: Connect) {
    this.#bootstrap = servers.map(parseAddress);
    this.#connect = connect;
  }

  get controller(): number {
    return this.#controller;
  }

  /** Asks any broker that answers, and learns from it where the brokers are. */
  async metadata(topics: readonly string[], signal: AbortSignal): Promise<MetadataAnswer> {
    const answer = await this.sendToAny(metadataRequest(topics), signal);
    this.#controller = answer.controller;
    this.#addresses.clear();
    for (const { node, host, port } of answer.brokers) this.#addresses.set(node, { host, port });
    return answer;
  }

  /** Sends once to this node. Any error ends the connection that it came by; an abort too. `before` may refuse at the last moment. */
  async send<T extends Answer>(
    node: number,
    request: KafkaRequest<T>,
    signal: AbortSignal,
    before?: () => void,
  ): Promise<T> {
    const address = this.#addresses.get(node);
    if (address === undefined) throw new TransientError(`Kafka has no broker ${node} now`);
    return await this.#sendTo(address, request, signal, before);
  }

  /** Sends to one broker after the other until one answers; only for requests that may be repeated. */
  async sendToAny<T extends Answer>(request: KafkaRequest<T>, signal: AbortSignal): Promise<T> {
    const failures: unknown[] = [];
    for (const address of this.#byLikelihood()) {
      try {
        return await this.#sendTo(address, request, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof OperatorError) throw error;
        failures.push(error);
      }
    }
    const servers = this.#bootstrap.map(nameOf).join(', ');
    throw new TransientError(`Kafka cannot be reached at ${servers}`, {
      cause: failures.at(-1),
      advice: 'Check bootstrap.servers, and that the brokers run and can be reached from here.',
    });
  }

  /** Sends to every broker that the cluster counts; the answers of those that can be reached. */
  async sendToEach<T extends Answer>(request: KafkaRequest<T>, signal: AbortSignal): Promise<T[]> {
    const answerOf = async (address: BrokerAddress): Promise<T[]> => {
      try {
        return [await this.#sendTo(address, request, signal)];
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof OperatorError) throw error;
        return [];
      }
    };
    return (await Promise.all([...this.#addresses.values()].map(answerOf))).flat();
  }

  close(): void {
    this.#isClosed = true;
    for (const opening of this.#opening) opening.abort(new TransientError('The Kafka log was closed'));
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    this.#idle.clear();
  }

  async #sendTo<T extends Answer>(
    address: BrokerAddress,
    request: KafkaRequest<T>,
    signal: AbortSignal,
    before?: () => void,
  ): Promise<T> {
    signal.throwIfAborted();
    const connection = this.#takeIdle(address) ?? (await this.#openNew(address, signal));
    const onAbort = (): void => connection.close();
    signal.addEventListener('abort', onAbort);
    try {
      before?.();
      const answer = await connection.send(request);
      this.#giveBack(address, connection);
      return answer;
    } catch (error) {
      this.#open.delete(connection);
      connection.close();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Brokers that we have a connection to come first: a host that is down answers nothing, not even an error, for seconds. */
  #byLikelihood(): BrokerAddress[] {
    const all = new Map([...this.#addresses.values(), ...this.#bootstrap].map((each) => [nameOf(each), each]));
    const isConnected = (each: BrokerAddress): boolean =>
      this.#idle.get(nameOf(each))?.some(({ connection }) => connection.isOpen) ?? false;
    return [...all.values()].sort((a, b) => Number(isConnected(b)) - Number(isConnected(a)));
  }

  #takeIdle(address: BrokerAddress): Connection | undefined {
    const idle = this.#idle.get(nameOf(address)) ?? [];
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      if (last.connection.isOpen && performance.now() - last.since < MAX_IDLE_MS) return last.connection;
      this.#open.delete(last.connection);
      last.connection.close();
    }
    return undefined;
  }

  async #openNew(address: BrokerAddress, signal: AbortSignal): Promise<Connection> {
    if (this.#isClosed) throw new Error('The Kafka log is closed');
    const opening = new AbortController();
    const onAbort = (): void => opening.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    this.#opening.add(opening);
    try {
      const connection = await this.#connect(address, opening.signal);
      this.#open.add(connection);
      return connection;
    } finally {
      this.#opening.delete(opening);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #giveBack(address: BrokerAddress, connection: Connection): void {
    if (this.#isClosed) return connection.close();
    const name = nameOf(address);
    const idle = this.#idle.get(name);
    const entry = { connection, since: performance.now() };
    if (idle === undefined) this.#idle.set(name, [entry]);
    else idle.push(entry);
  }
}

function nameOf({ host, port }: BrokerAddress): string {
  return `${host}:${port}`;
}

/** `host:port` or `[ipv6]:port`, as in bootstrap.servers. */
export function parseAddress(server: string): BrokerAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(server.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new OperatorError(`"${server}" is not an address of a Kafka broker`, {
      advice: 'Write bootstrap.servers as host:port, separated by commas.',
    });
  }
  return { host, port };
}
