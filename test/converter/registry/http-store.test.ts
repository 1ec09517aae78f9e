import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createHttpSchemaStore, type HttpSchemaStoreOptions } from '../../../src/converter/registry/http-store.ts';
import { describeError, OperatorError, TransientError } from '../../../src/errors.ts';
import type { SchemaStore } from '../../../src/converter/converter.ts';
import { serveHttp } from './http-server.ts';

const { signal } = new AbortController();
const CANARY = 'canary-password';

function storeOf(
  urls: string | readonly string[],
  options: HttpSchemaStoreOptions = {},
  basicAuth?: string,
): SchemaStore {
  const list = typeof urls === 'string' ? [urls] : urls;
  return createHttpSchemaStore({ urls: list, basicAuth, tls: undefined }, options);
}

/** Answers everything with this. */
function always(status: number, body: unknown, headers: Record<string, string> = {}): RequestListener {
  return (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const errorBody = (code: number, message: string): object => ({ error_code: code, message });

interface Failure {
  readonly kind: 'operator' | 'transient' | 'other';
  readonly text: string;
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const error: unknown = await promise.then(
    () => new Error('did not fail'),
    (thrown: unknown) => thrown,
  );
  const kind = error instanceof OperatorError ? 'operator' : error instanceof TransientError ? 'transient' : 'other';
  const advice = error instanceof OperatorError || error instanceof TransientError ? error.advice : '';
  return { kind, text: `${describeError(error)} | ${advice}` };
}

test("a schema is registered once and looked up once; what is sent is what Confluent's clients send", async () => {
  const bodies: string[] = [];
  await using server = await serveHttp((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      bodies.push(`${request.headers['content-type']} ${request.headers.accept} ${body}`);
      response.end(
        JSON.stringify(
          request.method === 'POST' ? { id: 7 } : { schema: ' "int" ', schemaType: 'AVRO', references: [] },
        ),
      );
    });
  });
  const store = storeOf(`${server.url}/apis/ccompat/v7/`);
  for (let times = 0; times < 2; times++) {
    expect(await store.register('a/b c-value', ' "int" ', signal)).toBe(7);
    expect(await store.byId(7, signal)).toBe('"int"');
  }
  expect(server.asked).toEqual([
    'POST /apis/ccompat/v7/subjects/a%2Fb%20c-value/versions',
    'GET /apis/ccompat/v7/schemas/ids/7',
  ]);
  const type = 'application/vnd.schemaregistry.v1+json';
  expect(bodies).toEqual([
    `${type} ${type}, application/json {"schema":"\\"int\\""}`,
    `undefined ${type}, application/json `,
  ]);
});

test('another subject or schema is another registration', async () => {
  await using server = await serveHttp(always(200, { id: 1 }));
  const store = storeOf(server.url);
  await store.register('s', '"int"', signal);
  await store.register('t', '"int"', signal);
  await store.register('s', '"long"', signal);
  expect(server.asked).toHaveLength(3);
});

describe('credentials', () => {
  const seen = async (url: (base: string) => string, basicAuth?: string): Promise<string> => {
    let header = '';
    await using server = await serveHttp((request, response) => {
      header = request.headers.authorization ?? '';
      response.end('{"schema":"\\"int\\""}');
    });
    await storeOf(url(server.url), {}, basicAuth).byId(1, signal);
    return Buffer.from(header.replace('Basic ', ''), 'base64').toString();
  };

  test.each([
    ['from the setting', (base: string) => base, 'user:p:w', 'user:p:w'],
    ['from the URL, decoded', (base: string) => base.replace('://', '://us%20er:p%40w@'), undefined, 'us er:p@w'],
    ['from the setting before the URL', (base: string) => base.replace('://', '://a:b@'), 'c:d', 'c:d'],
    ['with a percent sign that encodes nothing', (base: string) => base.replace('://', '://a:5%@'), undefined, 'a:5%'],
    ['none', (base: string) => base, undefined, ''],
  ])('%s', async (_title, url, basicAuth, expected) => {
    expect(await seen(url, basicAuth)).toBe(expected);
  });

  test.each([200, 302, 401, 403, 404, 409, 422, 500])('are in no message, after %i neither', async (status) => {
    await using server = await serveHttp(always(status, status === 200 ? 'no json' : errorBody(status, 'No')));
    const store = storeOf(server.url.replace('://', `://user:${CANARY}@`));
    for (const asked of [store.byId(1, signal), store.register('s', '"int"', signal)]) {
      const { kind, text } = await failureOf(asked);
      expect(kind).not.toBe('other');
      expect(text).toContain(server.url);
      expect(text).not.toContain(CANARY);
    }
  });
});

describe('what an answer means', () => {
  test.each([
    [401, errorBody(401, 'Unauthorized'), 'operator', 'schema.registry.basic.auth.user.info'],
    [403, errorBody(40301, 'Denied'), 'operator', 'schema.registry.basic.auth.user.info'],
    [404, '<html>', 'operator', '/apis/ccompat/v7'],
    [404, errorBody(40403, 'Schema not found'), 'operator', 'cannot register'],
    [405, '', 'operator', '405'],
    [409, errorBody(409, 'Incompatible artifact'), 'operator', 'subject "s/t" incompatible: Incompatible artifact'],
    [422, errorBody(42201, 'Invalid schema'), 'operator', 'Invalid schema'],
    [408, '', 'transient', '408'],
    [429, errorBody(429, 'Too many requests'), 'transient', 'Too many requests'],
    [500, errorBody(50001, 'Error in the backend data store'), 'transient', 'backend'],
    [503, '<html>busy</html>', 'transient', '503'],
    [200, '<html>log in</html>', 'operator', 'no JSON'],
    [200, '[]', 'operator', 'no JSON object'],
    [200, '{}', 'operator', 'no id'],
    [200, { id: '7' }, 'operator', 'no id'],
    [200, { id: 2 ** 32 }, 'operator', 'no id'],
  ] as const)('%i %j: %s', async (status, body, kind, part) => {
    await using server = await serveHttp(always(status, body));
    const failure = await failureOf(storeOf(server.url).register('s/t', '"int"', signal));
    expect(failure.kind).toBe(kind);
    expect(failure.text).toMatch(/^Schema registry http/);
    expect(failure.text).toContain(part);
  });

  test('an incompatible schema comes with the command that allows it', async () => {
    await using server = await serveHttp(always(409, errorBody(409, 'No')));
    const { text } = await failureOf(storeOf(server.url).register("it's", '"int"', signal));
    expect(text).toContain(
      `curl -X PUT -H 'Content-Type: application/vnd.schemaregistry.v1+json' --data '{"compatibility": "NONE"}' '${server.url}/config/it%27s'`,
    );
  });

  test('settings are named as the connector has them', async () => {
    await using server = await serveHttp(always(401, ''));
    const store = storeOf(server.url, { prefix: 'value.converter.schema.registry.' });
    expect((await failureOf(store.byId(1, signal))).text).toContain(
      'value.converter.schema.registry.basic.auth.user.info',
    );
  });

  test.each([
    [{ schema: '{}', schemaType: 'PROTOBUF' }, 'not an Avro schema'],
    [{ schema: '"R"', references: [{ name: 'R', subject: 'r', version: 1 }] }, 'refers to other schemas'],
    [{ id: 1 }, 'no schema'],
    [{ schema: 'text' }, 'not JSON'],
  ])('a schema that cannot be used is refused: %j', async (body, part) => {
    await using server = await serveHttp(always(200, body));
    const { kind, text } = await failureOf(storeOf(server.url).byId(1, signal));
    expect(kind).toBe('operator');
    expect(text).toContain(part);
  });
});

describe('several URLs', () => {
  test.each([
    ['closed', undefined],
    ['busy', always(503, '')],
    ['broken', always(500, errorBody(50001, 'x'))],
  ])('the next one is asked when one is %s, and goes first from then on', async (_title, listener) => {
    await using server = await serveHttp(listener ?? always(200, ''));
    if (listener === undefined) await server[Symbol.asyncDispose]();
    await using good = await serveHttp(always(200, { schema: '"int"' }));
    const store = storeOf([server.url, good.url]);
    expect(await store.byId(1, signal)).toBe('"int"');
    expect(await store.byId(2, signal)).toBe('"int"');
    expect(server.asked.length).toBe(listener === undefined ? 0 : 1);
    expect(good.asked).toHaveLength(2);
  });

  test('an answer that blames the question is not asked for again elsewhere', async () => {
    await using one = await serveHttp(always(422, errorBody(42201, 'Invalid')));
    await using two = await serveHttp(always(200, { id: 1 }));
    expect((await failureOf(storeOf([one.url, two.url]).register('s', '"int"', signal))).kind).toBe('operator');
    expect(two.asked).toEqual([]);
  });

  test('all closed is a TransientError', async () => {
    await using server = await serveHttp(always(200, ''));
    await server[Symbol.asyncDispose]();
    const { kind, text } = await failureOf(storeOf([server.url, server.url]).byId(1, signal));
    expect(kind).toBe('transient');
    expect(text).toContain(`Schema registry ${server.url} cannot be reached: connect ECONNREFUSED`);
  });
});

describe('bounds', () => {
  const limits = { timeoutMs: 100, maxBytes: 1000 };

  test('an answer that does not come is a TransientError', async () => {
    await using silent = await serveHttp((request) => request.resume());
    expect((await failureOf(storeOf(silent.url, { limits }).byId(1, signal))).kind).toBe('transient');
  });

  test('an answer that does not end is a TransientError', async () => {
    await using endless = await serveHttp((_, response) => {
      response.write('{');
    });
    expect((await failureOf(storeOf(endless.url, { limits }).byId(1, signal))).kind).toBe('transient');
  });

  test('an answer that breaks off is a TransientError', async () => {
    await using broken = await serveHttp((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{', () => response.destroy());
    });
    expect((await failureOf(storeOf(broken.url).byId(1, signal))).kind).toBe('transient');
  });

  test('an answer that is too large is refused', async () => {
    await using large = await serveHttp(always(200, { schema: 'x'.repeat(2000) }));
    const { kind, text } = await failureOf(
      storeOf(large.url, { limits: { timeoutMs: 10_000, maxBytes: 1000 } }).byId(1, signal),
    );
    expect(kind).toBe('operator');
    expect(text).toContain('more than 1000 bytes');
  });

  test('a caller that stops gets its own reason', async () => {
    await using silent = await serveHttp((request) => request.resume());
    const stop = new AbortController();
    const asked = storeOf(silent.url).byId(1, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(asked).rejects.toThrow('stopped');
    await expect(storeOf(silent.url).byId(1, stop.signal)).rejects.toThrow('stopped');
  });

  test('what speaks no HTTP is refused', async () => {
    await using server = await serveHttp((request) => {
      request.socket.end('SSH-2.0-OpenSSH_9.6\r\n');
    });
    expect((await failureOf(storeOf(server.url).byId(1, signal))).text).toContain('does not speak HTTP');
  });
});

describe('redirects', () => {
  test('on the same origin are followed, with the request', async () => {
    await using server = await serveHttp((request, response) => {
      if (request.url?.startsWith('/new')) always(200, { id: 3, schema: '"int"' })(request, response);
      else always(307, '', { Location: `/new${request.url}` })(request, response);
    });
    const store = storeOf(server.url);
    expect(await store.register('s', '"int"', signal)).toBe(3);
    expect(await store.byId(3, signal)).toBe('"int"');
    expect(server.asked).toEqual([
      'POST /subjects/s/versions',
      'POST /new/subjects/s/versions',
      'GET /schemas/ids/3',
      'GET /new/schemas/ids/3',
    ]);
  });

  test('to another host are not followed: credentials go to nobody else', async () => {
    await using other = await serveHttp(always(200, { schema: '"int"' }));
    await using server = await serveHttp(always(302, '', { Location: `${other.url}/?token=${CANARY}` }));
    const { kind, text } = await failureOf(storeOf(server.url, {}, 'user:pw').byId(1, signal));
    expect(kind).toBe('operator');
    expect(text).toContain(`a redirect to ${other.url}`);
    expect(text).not.toContain(CANARY);
    expect(other.asked).toEqual([]);
  });

  test.each([
    ['without end', 307, '/again', 'more than 3 redirects'],
    ['of a registration that would become a GET', 302, '/again', 'a redirect of a POST'],
    ['to nowhere', 307, 'http://', 'an invalid URL'],
  ])('%s are refused', async (_title, status, location, part) => {
    await using server = await serveHttp(always(status, '', { Location: location }));
    const { kind, text } = await failureOf(storeOf(server.url).register('s', '"int"', signal));
    expect(kind).toBe('operator');
    expect(text).toContain(part);
  });
});

test('a URL that is none is refused without printing it', () => {
  const create = (): SchemaStore => storeOf(`http//user:${CANARY}@host`);
  expect(create).toThrow('Setting schema.registry.url holds something that is not a URL');
});

describe('a schema that the level of its subject forbids', () => {
  /** A registry with one subject, whose level forbids every new schema; `calls` has what it was asked. */
  function strict(level: string | undefined): { listener: RequestListener; calls: string[] } {
    const calls: string[] = [];
    let own = level;
    const listener: RequestListener = (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const answer = (status: number, content: unknown): void => {
          response.writeHead(status).end(JSON.stringify(content));
        };
        calls.push(`${request.method} ${request.url}`);
        if (request.url?.startsWith('/compatibility/')) {
          return answer(200, { is_compatible: false, messages: ['t.price: int cannot be read as string'] });
        }
        if (request.url?.startsWith('/subjects/')) {
          return own === 'NONE' ? answer(200, { id: 9 }) : answer(409, errorBody(409, 'No'));
        }
        if (request.method === 'GET') {
          return own === undefined ? answer(404, errorBody(40408, 'none')) : answer(200, { compatibilityLevel: own });
        }
        own = request.method === 'PUT' ? (JSON.parse(body) as { compatibility: string }).compatibility : undefined;
        answer(200, request.method === 'PUT' ? { compatibility: own } : 'FULL');
      });
    };
    return { listener, calls };
  }

  test('is refused with what differs', async () => {
    await using server = await serveHttp(strict('FULL').listener);
    const { kind, text } = await failureOf(storeOf(server.url).register('s', '"int"', signal));
    expect(kind).toBe('operator');
    expect(text).toContain('t.price: int cannot be read as string');
    expect(text).toContain('schema.evolution.on.incompatible');
  });

  test.each([
    ['FULL', 'PUT'],
    [undefined, 'DELETE'],
  ])('is registered all the same when it is forced; the level is %s again', async (level, back) => {
    const { listener, calls } = strict(level);
    await using server = await serveHttp(listener);
    const store = storeOf(server.url, { onIncompatible: 'force' });
    expect(await store.register('s', '"int"', signal)).toBe(9);
    const config = '/config/s';
    expect(calls).toEqual([
      'POST /subjects/s/versions',
      `GET ${config}`,
      `PUT ${config}`,
      'POST /subjects/s/versions',
      `${back} ${config}`,
    ]);
    expect(await store.register('s', '"int"', signal)).toBe(9);
    expect(calls).toHaveLength(5);
  });
});
