import { createRequire } from 'node:module';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { OperatorError, TransientError } from '../../errors.ts';
import { AnswerAssembly } from './answer-assembly.ts';
import { AnswerMemory } from './answer-memory.ts';
import type { BrokerAddress, Connect, Connection } from './connection.ts';
import { connectionError } from './errors.ts';
import { type KafkajsTimers, keepSteady } from './kafkajs-timers.ts';
import { oauthLogin } from './oauth-login.ts';
import type { Answer, KafkaRequest } from './protocol/request.ts';
import { RequestWriter, ResponseReader } from './protocol/wire.ts';
import { CONNECT_TIMEOUT_MS, type KafkaSettings, REQUEST_TIMEOUT_MS } from './settings.ts';
import { failPoint } from '../../failpoint.ts';

/** The one version whose internals this file and kafkajs-timers.ts know; nothing else of ours touches them (docs/decisions/0003). */
const VERSION = '2.2.4';

/** How long after its waiting time was over an answer may still arrive. */
const GRACE_MS = 2_000;
const KEEP_ALIVE_MS = 60_000;
/** One such buffer per connection takes everything that arrives, in turn. */
const READ_BYTES = 64 * 1024;

/** kafkajs/src/network/connection.js */
interface KafkajsConnection {
  readonly socket?: Socket;
  readonly requestQueue: KafkajsRequestQueue;
  isConnected(): boolean;
  /** Does nothing without SASL, or while the session lasts; authenticates again after it (KIP-368). */
  authenticate(): Promise<void>;
  nextCorrelationId(): number;
  disconnect(): Promise<unknown>;
  rejectRequests(error: Error): void;
  /** There while it authenticates, when answers are SASL's. */
  readonly authHandlers: object | null;
  /** Takes a chunk from the socket and keeps it; called as a method, so that an instance may have its own. */
  processData(chunk: Buffer): void;
}

/** kafkajs/src/network/requestQueue: matches answers to requests, with a timeout for each. */
interface KafkajsRequestQueue extends KafkajsTimers {
  push(call: {
    readonly entry: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      readonly correlationId: number;
      readonly resolve: (response: { readonly payload: Buffer }) => void;
      readonly reject: (error: Error) => void;
    };
    readonly expectResponse: true;
    readonly requestTimeout: number;
    readonly sendRequest: () => void;
  }): void;
  fulfillRequest(answer: { readonly correlationId: number; readonly size: number; readonly payload: Buffer }): void;
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

/** kafkajs/src/network/connectionPool.js */
interface KafkajsPool {
  readonly pool: readonly [KafkajsConnection, ...KafkajsConnection[]];
}

/** kafkajs/src/broker/index.js: opens the pool's first connection, asks for the API versions, authenticates. */
interface KafkajsBroker {
  readonly connectionPool: KafkajsPool;
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
  connect(): Promise<void>;
}

interface Kafkajs {
  readonly Broker: new (options: object) => KafkajsBroker;
  readonly ConnectionPool: new (options: object) => KafkajsPool;
  readonly logger: unknown;
}

/** Opens connections by kafkajs: its TLS, its SASL, its framing and its request queue, and nothing above them. */
export function kafkajsConnect(settings: KafkaSettings): Connect {
  const { Broker, ConnectionPool, logger } = loadKafkajs();
  const memory = new AnswerMemory();
  return async (address, signal) => {
    const connectionPool = new ConnectionPool({
      host: address.host,
      port: address.port,
      clientId: settings.clientId,
      logger,
      ssl: settings.ssl ?? null,
      sasl: loginOf(settings.sasl),
      socketFactory: openSocket,
      connectionTimeout: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      requestTimeout: settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
    });
    const broker = new Broker({ connectionPool, logger, allowAutoTopicCreation: false });
    for (const each of connectionPool.pool) {
      assembleAnswers(each, memory);
      keepSteady(each.requestQueue);
    }
    const connection = new OneConnection(broker, address, settings.clientId, memory);
    const onAbort = (): void => connection.close();
    signal.addEventListener('abort', onAbort);
    try {
      signal.throwIfAborted();
      await broker.connect();
    } catch (error) {
      connection.close();
      signal.throwIfAborted();
      throw connectionError(error, connection.address);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return connection;
  };
}

/** An object of its own for each connection: kafkajs writes into it. */
function loginOf(sasl: KafkaSettings['sasl']): object | null {
  if (sasl === undefined) return null;
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl };
  return { mechanism: sasl.mechanism, authenticationProvider: oauthLogin(sasl.oauthBearerProvider) };
}

function loadKafkajs(): Kafkajs {
  const require = createRequire(import.meta.url);
  const { version } = require('kafkajs/package.json') as { version: string };
  if (version !== VERSION) throw new Error(`kafkajs ${VERSION} is needed, ${version} is installed`);
  const { createLogger, LEVELS } = require('kafkajs/src/loggers') as {
    createLogger: (options: object) => unknown;
    LEVELS: { NOTHING: number };
  };
  return {
    Broker: require('kafkajs/src/broker') as Kafkajs['Broker'],
    ConnectionPool: require('kafkajs/src/network/connectionPool') as Kafkajs['ConnectionPool'],
    // Silent: whatever goes wrong is thrown, and the supervisor logs it.
    logger: createLogger({ level: LEVELS.NOTHING, logCreator: () => () => undefined }),
  };
}

class OneConnection implements Connection {
  readonly address: string;
  readonly #broker: KafkajsBroker;
  readonly #connection: KafkajsConnection;
  readonly #clientId: string;
  readonly #memory: AnswerMemory;
  #isClosed = false;

  constructor(broker: KafkajsBroker, { host, port }: BrokerAddress, clientId: string, memory: AnswerMemory) {
    this.address = `${host}:${port}`;
    this.#clientId = clientId;
    this.#memory = memory;
    this.#broker = broker;
    // The second one of a pool is for kafkajs's consumer; connections of ours carry one request at a time each.
    this.#connection = broker.connectionPool.pool[0];
    calmTimer(this.#connection.requestQueue);
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#connection.isConnected();
  }

  async send<T extends Answer>(request: KafkaRequest<T>): Promise<T> {
    this.#assertServed(request);
    try {
      await this.#connection.authenticate();
      const payload = await this.#exchange(request);
      const response = new ResponseReader(request.name, payload, () => this.#memory.give(payload.buffer));
      if (request.isFlexible) response.skipTags();
      const answer = request.decode(response);
      this.#connection.requestQueue.maybeThrottle(answer.throttleMs);
      return answer;
    } catch (error) {
      throw connectionError(error, this.address);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const connection = this.#connection;
    const reason = new TransientError(`The connection to Kafka at ${this.address} was closed`);
    connection.rejectRequests(reason);
    connection.disconnect().catch(() => undefined); // waits for requests; there are none left
    connection.socket?.destroy(reason); // with an error, because kafkajs hears of that one while it still connects
  }

  /** What kafkajs's own `send` does, but for its two copies of the body: they cost as much as the rest of a large produce. */
  #exchange(request: KafkaRequest<Answer>): Promise<Buffer> {
    const { requestQueue, socket } = this.#connection;
    if (!this.isOpen || socket === undefined) throw new TransientError(`The connection to ${this.address} was closed`);
    const correlationId = this.#connection.nextCorrelationId();
    const header = encodeHeader(request, correlationId, this.#clientId);
    const { name: apiName, apiKey, apiVersion } = request;
    return new Promise((resolve, reject) => {
      requestQueue.push({
        entry: { apiKey, apiVersion, apiName, correlationId, resolve: ({ payload }) => resolve(payload), reject },
        expectResponse: true,
        requestTimeout: request.waitMs + GRACE_MS,
        sendRequest: () => {
          socket.cork();
          socket.write(header);
          for (const piece of request.body) socket.write(piece);
          socket.uncork();
          if (apiName === 'Produce') failPoint('log.produce-sent');
        },
      });
    });
  }

  #assertServed({ name, apiKey, apiVersion }: KafkaRequest<Answer>): void {
    const range = this.#broker.versions[apiKey];
    if (range !== undefined && range.minVersion <= apiVersion && apiVersion <= range.maxVersion) return;
    throw new OperatorError(`Kafka at ${this.address} does not serve ${name} in version ${apiVersion}`, {
      advice: 'Use Kafka 3.1 or newer.',
    });
  }
}

/**
 * kafkajs keeps the chunks of an answer and puts them together at its end, so that an answer of 8 MB needs 16, for a while, and
 * the collector as many buffers of 64 kB as there were chunks. Answers of SASL are left to it.
 */
function assembleAnswers(connection: KafkajsConnection, memory: AnswerMemory): void {
  const processData = connection.processData.bind(connection);
  const assembly = new AnswerAssembly((answer) => {
    const [correlationId, payload] = [answer.readInt32BE(0), answer.subarray(4)];
    connection.requestQueue.fulfillRequest({ correlationId, size: answer.length, payload });
  }, memory);
  connection.processData = (chunk) => {
    if (connection.authHandlers !== null) processData(Buffer.from(chunk));
    else if (!assembly.push(chunk))
      connection.socket?.destroy(new TransientError('What was answered is not from Kafka'));
  };
}

/**
 * After every answer kafkajs sets a timer for requests that wait, with a delay below zero when none does; Node.js 24 prints a
 * warning for that.
 */
function calmTimer(queue: KafkajsRequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

/**
 * The frame's length and the request header v1, or v2 (with no tagged fields) for flexible versions.
 * @see https://kafka.apache.org/protocol#protocol_messages
 */
function encodeHeader(request: KafkaRequest<Answer>, correlationId: number, clientId: string): Buffer {
  const out = new RequestWriter().int16(request.apiKey).int16(request.apiVersion).int32(correlationId).string(clientId);
  if (request.isFlexible) out.noTags();
  const header = out.take();
  const length = request.body.reduce((sum, piece) => sum + piece.length, header.length);
  return Buffer.concat([new RequestWriter().int32(length).take(), header]);
}

interface SocketOptions extends BrokerAddress {
  readonly ssl: ConnectionOptions | null;
  readonly onConnect: () => void;
}

/** As kafkajs opens its sockets, but without Nagle's delay, and (without TLS) with one buffer that is read into again and again. */
function openSocket({ host, port, ssl, onConnect }: SocketOptions): Socket {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
    : connectTcp({ host, port, onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: onRead } }, onConnect);
  function onRead(size: number, buffer: Uint8Array): boolean {
    return socket.emit('data', Buffer.from(buffer.buffer, buffer.byteOffset, size));
  }
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}
