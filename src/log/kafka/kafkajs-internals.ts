import { createRequire } from 'node:module';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { OperatorError, TransientError } from '../../errors.ts';
import type { BrokerAddress, Connect, Connection } from './connection.ts';
import { connectionError } from './errors.ts';
import type { Answer, KafkaRequest } from './protocol/request.ts';
import { ResponseReader } from './protocol/wire.ts';
import { CONNECT_TIMEOUT_MS, type KafkaSettings, REQUEST_TIMEOUT_MS } from './settings.ts';

/** The one version whose internals this file knows; nothing else of ours touches them (docs/decisions/0003). */
const VERSION = '2.2.4';

/** How long after its waiting time was over an answer may still arrive. */
const GRACE_MS = 2_000;
const KEEP_ALIVE_MS = 60_000;

/** kafkajs/src/network/connection.js */
interface KafkajsConnection {
  readonly socket?: Socket;
  isConnected(): boolean;
  disconnect(): Promise<unknown>;
  rejectRequests(error: Error): void;
  send<T>(call: {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoded> };
    response: { decode(payload: Buffer): Promise<Decoded<T>>; parse(decoded: Decoded<T>): Promise<T> };
    requestTimeout: number;
    logResponseError: boolean;
  }): Promise<T>;
}

/** What kafkajs takes for an Encoder of its own: it copies `buffer` behind the request's header. */
interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

interface Decoded<T> {
  readonly answer: T;
  /** kafkajs then holds back the next request for so long. */
  readonly clientSideThrottleTime: number;
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
  return async (address) => {
    const connectionPool = new ConnectionPool({
      host: address.host,
      port: address.port,
      clientId: settings.clientId,
      logger,
      ssl: settings.ssl ?? null,
      sasl: settings.sasl === undefined ? null : { ...settings.sasl }, // kafkajs writes into it
      socketFactory: openSocket,
      connectionTimeout: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      requestTimeout: settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
    });
    const broker = new Broker({ connectionPool, logger, allowAutoTopicCreation: false });
    const connection = new OneConnection(broker, address);
    try {
      await broker.connect();
    } catch (error) {
      connection.close();
      throw connectionError(error, connection.address);
    }
    return connection;
  };
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
  #isClosed = false;

  constructor(broker: KafkajsBroker, { host, port }: BrokerAddress) {
    this.address = `${host}:${port}`;
    this.#broker = broker;
    // The second one of a pool is for kafkajs's consumer; connections of ours carry one request at a time each.
    this.#connection = broker.connectionPool.pool[0];
  }

  get isOpen(): boolean {
    return !this.#isClosed && this.#connection.isConnected();
  }

  async send<T extends Answer>(request: KafkaRequest<T>): Promise<T> {
    this.#assertServed(request);
    try {
      return await this.#connection.send({
        request: {
          apiKey: request.apiKey,
          apiVersion: request.apiVersion,
          apiName: request.name,
          encode: async () => encoded(request),
        },
        response: {
          decode: async (payload) => decoded(request, payload),
          parse: async ({ answer }) => answer,
        },
        requestTimeout: request.waitMs + GRACE_MS,
        logResponseError: false,
      });
    } catch (error) {
      throw connectionError(error, this.address);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const connection = this.#connection;
    connection.rejectRequests(new TransientError(`The connection to Kafka at ${this.address} was closed`));
    connection.disconnect().catch(() => undefined); // waits for requests; there are none left
    connection.socket?.destroy();
  }

  #assertServed({ name, apiKey, apiVersion }: KafkaRequest<Answer>): void {
    const range = this.#broker.versions[apiKey];
    if (range !== undefined && range.minVersion <= apiVersion && apiVersion <= range.maxVersion) return;
    throw new OperatorError(`Kafka at ${this.address} does not serve ${name} in version ${apiVersion}`, {
      advice: 'Use Kafka 3.1 or newer.',
    });
  }
}

function encoded<T extends Answer>(request: KafkaRequest<T>): Encoded {
  const header = request.isFlexible ? [NO_TAGS] : [];
  const pieces = [...header, ...request.body];
  const buffer = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  return { buf: buffer, buffer };
}

/** kafkajs writes request header v1; the one of flexible versions has its tagged fields right behind. */
const NO_TAGS = Buffer.alloc(1);

function decoded<T extends Answer>(request: KafkaRequest<T>, payload: Buffer): Decoded<T> {
  const reader = new ResponseReader(request.name, payload);
  if (request.isFlexible) reader.skipTags();
  const answer = request.decode(reader);
  return { answer, clientSideThrottleTime: answer.throttleMs };
}

interface SocketOptions extends BrokerAddress {
  readonly ssl: ConnectionOptions | null;
  readonly onConnect: () => void;
}

/** As kafkajs opens its sockets, but without Nagle's delay. */
function openSocket({ host, port, ssl, onConnect }: SocketOptions): Socket {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...servername, ...ssl }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}
