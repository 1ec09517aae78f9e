import type { Answer, KafkaRequest } from './protocol/request.ts';

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

/** One authenticated connection to one broker. It is used by one request at a time and never again after an error. */
export interface Connection {
  /** False once it was closed by either side. */
  readonly isOpen: boolean;
  /**
   * Sends the request once and returns its decoded answer. Throws TransientError when no whole answer came (then nobody knows
   * what the broker did) and OperatorError when the broker cannot or must not serve us.
   */
  send<T extends Answer>(request: KafkaRequest<T>): Promise<T>;
  /** Ends it at once; a request that is under way rejects. */
  close(): void;
}

/** Opens a connection, or gives up when `signal` aborts; the port that lets tests put something else behind a log. */
export type Connect = (address: BrokerAddress, signal: AbortSignal) => Promise<Connection>;
