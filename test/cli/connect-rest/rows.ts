import { expect } from 'vitest';
import type { Expectation } from './expectation.ts';

export const DEBEZIUM = 'io.debezium.connector.postgresql.PostgresConnector';

/** An empty body. */
export const NOTHING = '';

export const text = expect.any(String) as string;

/** What a request brings besides method and path, and what it is about. */
export type More = Pick<Expectation, 'about' | 'body' | 'headers' | 'location' | 'eventually'>;

export function row(request: string, status: number, answers?: unknown, more: More = {}): Expectation {
  const [method = '', path = ''] = request.split(' ', 2);
  return { method, path, status, answers, ...more };
}

/** A request with a body. */
export function sent(
  request: string,
  body: unknown,
  status: number,
  answers?: unknown,
  about: string = '',
): Expectation {
  return row(request, status, answers, { body, about });
}

export const notFound = (name: string): RegExp => new RegExp(`^Connector ${name} not found$`);

/** Waits for a state of a connector. */
export function until(name: string, state: string, answers: object = {}): Expectation {
  const shown = { connector: { state }, ...answers };
  return row(`GET /connectors/${name}/status`, 200, shown, { about: `until it is ${state}`, eventually: true });
}
