import type { Context, MiddlewareHandler } from 'hono';
import { isNestedDeeper } from '../../converter/nesting.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { errorAnswer, refusal } from './answer.ts';

/**
 * No request may be larger (bytes). The largest that are meant to come are schemas for the registry, and a schema becomes one record of the
 * log, which Kafka's default `max.message.bytes` limits to about 1 MiB anyway.
 */
export const MAX_BODY_BYTES: number = 1024 * 1024;

/** Answers 413 to a larger body, whether its length is announced or not. */
export function limitBody(): MiddlewareHandler {
  return async (c, next) => {
    const announced = Number(c.req.header('content-length') ?? 0);
    if (announced > MAX_BODY_BYTES) return tooLarge(c);
    if (c.req.header('transfer-encoding') !== undefined && c.req.raw.body !== null) {
      const body = await readLimited(c.req.raw.body);
      if (body === undefined) return tooLarge(c);
      const { method, headers, signal } = c.req.raw;
      c.req.raw = new Request(c.req.url, { method, headers, signal, body });
    }
    return await next();
  };
}

/** Whatever is left of the body is not read: the connection ends with the answer. */
function tooLarge(c: Context): Response {
  c.header('Connection', 'close');
  return errorAnswer(c, 413, `The body is larger than ${MAX_BODY_BYTES} bytes`);
}

async function readLimited(body: ReadableStream<Uint8Array>): Promise<ArrayBuffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  const whole = new Uint8Array(size);
  chunks.reduce((at, chunk) => {
    whole.set(chunk, at);
    return at + chunk.length;
  }, 0);
  return whole.buffer;
}

/** The JSON object that a request brings. Anything but `application/json` is answered with 415, anything but an object with 400. */
export async function jsonObject(c: Context): Promise<JsonObject> {
  if (typeOf(c) !== 'application/json') throw unsupported();
  return await objectOf(c);
}

/** As `jsonObject`; like Connect it takes a body for JSON of which no type is said. What a browser sends so has an Origin that was looked at. */
export async function connectBody(c: Context): Promise<JsonObject> {
  if (!['application/json', '', undefined].includes(typeOf(c))) throw unsupported();
  return await objectOf(c);
}

/** As `connectBody`; also the text of such an object as a JSON text, which is what kafka-connect-py sends to have a config validated. */
export async function connectBodyOrText(c: Context): Promise<JsonObject> {
  if (!['application/json', '', undefined].includes(typeOf(c))) throw unsupported();
  const value = parse(await c.req.text());
  return asObject(typeof value === 'string' ? parse(value) : value);
}

function typeOf(c: Context): string | undefined {
  return c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
}

function unsupported(): Error {
  return refusal(415, 'HTTP 415 Unsupported Media Type');
}

async function objectOf(c: Context): Promise<JsonObject> {
  return asObject(parse(await c.req.text()));
}

function asObject(value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw refusal(400, 'The body is not a JSON object');
}

/** Bodies of Connect have three levels, and what goes through one calls itself for each. */
const MAX_DEPTH = 100;

function parse(text: string): unknown {
  if (isNestedDeeper(text, MAX_DEPTH)) throw refusal(400, `The body is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return JSON.parse(text);
  } catch {
    // V8's message quotes the text around the error, which may be a password (Invariant 11).
    throw refusal(400, 'The body is not JSON');
  }
}
