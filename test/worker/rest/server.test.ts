import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OperatorError, TransientError } from '../../../src/errors.ts';
import { createRedactor } from '../../../src/observe/redaction.ts';
import { MAX_BODY_BYTES } from '../../../src/worker/rest/request-body.ts';
import type { RestServer } from '../../../src/worker/rest/server.ts';
import type { RestConfig } from '../../../src/worker/worker-config.ts';
import { brokenView, FakeDaemon, failedView, KeptLog, operatorError, serve, sourceView } from './fake-daemon.ts';

const daemon = new FakeDaemon();
const log = new KeptLog();
let server: RestServer;
beforeAll(async () => {
  server = await serve(daemon, {}, {}, log);
});
afterAll(() => server[Symbol.asyncDispose]());

/** A request with any header; fetch sets Host and Origin itself. */
async function ask(
  path: string,
  headers: Record<string, string> = {},
  { method = 'GET', body, url = server.url }: { method?: string; body?: string; url?: string } = {},
): Promise<{ status: number | undefined; headers: Record<string, unknown>; body: string }> {
  const sent = request(url + path, { method, headers, agent: false });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, headers: response.headers, body: text };
}

const JSON_TYPE = { 'content-type': 'application/json' };

function operate(body: unknown, headers: Record<string, string> = JSON_TYPE): ReturnType<typeof ask> {
  return ask('/rowcast/v1/operate', headers, { method: 'POST', body: JSON.stringify(body) });
}

test('a port that is in use is an error that names the address and the remedy', async () => {
  const port = Number(new URL(server.url).port);
  const error = await serve(daemon, { port }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(OperatorError);
  expect((error as OperatorError).message).toBe(`Address 127.0.0.1:${port} is in use`);
  expect((error as OperatorError).advice).toContain('listeners=http://');
});

test('an address that is not of this machine is an error that names it', async () => {
  await expect(serve(daemon, { host: '192.0.2.1' })).rejects.toThrow('Address 192.0.2.1:0 does not belong to this');
});

test('authentication without credentials is refused before anything is served', async () => {
  await expect(serve(daemon, { authentication: 'basic' })).rejects.toThrow(OperatorError);
});

test.each([
  ['localhost', 200],
  ['localhost:9999', 200],
  ['127.0.0.1', 200],
  ['127.9.9.9:8083', 200],
  ['[::1]:8083', 200],
  ['shop.localhost:1', 200],
  ['evil.example', 403],
  ['evil.example:8083', 403],
  ['127.0.0.1.evil.example', 403],
  ['localhost.evil.example', 403],
  ['10.0.0.1', 403],
])('on loopback a request to the host "%s" is answered with %i', async (host, status) => {
  const answer = await ask('/connectors', { host });
  expect(answer.status).toBe(status);
  if (status === 403) expect(JSON.parse(answer.body)).toMatchObject({ error_code: 403 });
});

test('a listener that is not on loopback answers requests to any host', async () => {
  await using open = await serve(daemon, { host: '0.0.0.0' });
  expect((await ask('/connectors', { host: 'rowcast.internal' }, { url: open.url })).status).toBe(200);
});

test('what changes something is refused when a page of another origin sent it', async () => {
  const host = new URL(server.url).host;
  const offsets = { kind: 'offsets' };
  for (const origin of ['http://evil.example', 'null', 'http://localhost:3000', `http://${host}.evil.example`]) {
    expect((await operate(offsets, { ...JSON_TYPE, origin })).status, origin).toBe(403);
  }
  expect(daemon.asked).toEqual([]);
  expect((await operate(offsets, { ...JSON_TYPE, origin: `http://${host}` })).status).toBe(200);
  const proxied = { ...JSON_TYPE, origin: 'https://rowcast.example', 'x-forwarded-host': 'rowcast.example' };
  expect((await operate(offsets, proxied)).status).toBe(200);
  expect((await ask('/connectors', { origin: 'http://evil.example' })).status).toBe(200);
});

test('without authentication, a page whose name was made to lead here may change nothing', async () => {
  await using open = await serve(daemon, { host: '0.0.0.0' });
  const asked = daemon.asked.length;
  const post = async (host: string, headers: object, { url } = open): Promise<number | undefined> => {
    const options = { method: 'POST', body: JSON.stringify({ kind: 'offsets' }), url };
    return (await ask('/rowcast/v1/operate', { ...JSON_TYPE, host, ...headers }, options)).status;
  };
  expect(await post('evil.example', { origin: 'http://evil.example' })).toBe(403);
  expect(await post('evil.example:8083', { origin: 'http://evil.example:8083' })).toBe(403);
  const forwarded = { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example' };
  expect(await post('127.0.0.1:8083', forwarded)).toBe(403);
  expect(await post('127.0.0.1:8083', { origin: 'null' })).toBe(403);
  expect(daemon.asked).toHaveLength(asked);
  expect(await post('127.0.0.1:8083', { origin: 'http://127.0.0.1:8083' })).toBe(200);
  expect(await post('localhost:8083', { origin: 'http://localhost:8083' })).toBe(200);
  expect(await post('rowcast.internal', {})).toBe(200);
  await using trusted = await serve(daemon, { host: '0.0.0.0', authentication: 'bearer', credentials: 'token' });
  const named = { origin: 'https://rowcast.example', authorization: 'Bearer token' };
  expect(await post('rowcast.example', named, trusted)).toBe(200);
});

test.each<[string, object, object]>([
  ['offsets of all', { kind: 'offsets' }, { kind: 'offsets', connector: undefined }],
  ['offsets of one', { kind: 'offsets', connector: 'a' }, { kind: 'offsets', connector: 'a' }],
  ['accept', { kind: 'accept', connector: 'a', dropSlot: true }, { kind: 'accept', connector: 'a', fromNow: false }],
  ['reset', { kind: 'reset', connector: 'a' }, { kind: 'reset', connector: 'a' }],
  [
    'delete, nothing more than what is said',
    { kind: 'delete', connector: 'a', dropSlot: true },
    { kind: 'delete', connector: 'a', dropSlot: true, dropPublication: false, dropProgress: false },
  ],
])('an operator may ask for %s', async (_, body, request) => {
  const answer = await operate(body);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toEqual({ lines: ['done'], value: { done: true } });
  expect(daemon.asked.at(-1)).toEqual(request);
});

test.each<[unknown, string]>([
  [{ kind: 'explode' }, 'kind must be one of'],
  [{}, 'kind must be one of'],
  [{ kind: 'accept' }, 'connector must be'],
  [{ kind: 'reset', connector: '' }, 'connector must be'],
  [{ kind: 'delete', connector: 7 }, 'connector must be'],
  [{ kind: 'delete', connector: 'a', dropSlot: 'false' }, 'dropSlot must be'],
  [{ kind: 'accept', connector: 'a', fromNow: 1 }, 'fromNow must be'],
  [{ kind: 'offsets', connector: null }, 'connector must be'],
  [[], 'not a JSON object'],
  ['text', 'not a JSON object'],
  [null, 'not a JSON object'],
])('the request %j is answered with 400', async (body, message) => {
  const asked = daemon.asked.length;
  const answer = await operate(body);
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body)).toMatchObject({ error_code: 400, message: expect.stringContaining(message) });
  expect(daemon.asked).toHaveLength(asked);
});

test('a body that is not JSON is refused without being quoted', async () => {
  const answer = await ask('/rowcast/v1/operate', JSON_TYPE, { method: 'POST', body: '{"password": canary}' });
  expect(answer.status).toBe(400);
  expect(answer.body).toBe('{"error_code":400,"message":"The body is not JSON"}');
});

test('a body that is nested deeply is refused, wherever it is sent', async () => {
  const deep = `${'{"config":'.repeat(90_000)}1${'}'.repeat(90_000)}`;
  for (const [method, path] of [
    ['POST', '/connectors'],
    ['PUT', '/connectors/shop-source/config'],
    ['PATCH', '/connectors/shop-source/config'],
    ['PUT', '/connector-plugins/PostgresSink/config/validate'],
    ['PATCH', '/connectors/shop-source/offsets'],
    ['POST', '/rowcast/v1/operate'],
    ['PUT', '/admin/loggers/root'],
    ['POST', '/subjects/s/versions'],
    ['PUT', '/config'],
  ] as const) {
    const answer = await ask(path, JSON_TYPE, { method, body: deep });
    expect([path, answer.status]).toEqual([path, answer.status === 404 ? 404 : 400]);
    if (answer.status === 400) expect(answer.body).toContain('nested deeper than 100 levels');
  }
  const nested = `{"kind":"reset","connector":"x","more":"${'['.repeat(500)}\\""}`; // brackets in a text are none
  expect((await ask('/rowcast/v1/operate', JSON_TYPE, { method: 'POST', body: nested })).status).toBe(200);
});

test.each([{ 'content-type': 'text/plain' }, { 'content-type': 'application/x-www-form-urlencoded' }, {}])(
  'a body with %j is answered with 415 in the words of Connect',
  async (headers) => {
    const answer = await operate({ kind: 'offsets' }, headers as Record<string, string>);
    expect(answer.status).toBe(415);
    expect(JSON.parse(answer.body)).toEqual({ error_code: 415, message: 'HTTP 415 Unsupported Media Type' });
  },
);

test('what needs a person is answered with 409, message and advice; what passes by itself with 503', async () => {
  const { operation } = daemon;
  daemon.operation = () => Promise.reject(operatorError());
  const refused = await operate({ kind: 'reset', connector: 'shop-source' });
  daemon.operation = () => Promise.reject(new TransientError('Connection lost', { cause: new Error('reset by peer') }));
  const transient = await operate({ kind: 'reset', connector: 'shop-source' });
  daemon.operation = operation;
  expect(refused.status).toBe(409);
  expect(JSON.parse(refused.body)).toEqual({
    error_code: 409,
    message: 'Connector "shop-source" is running',
    advice: 'Stop it first.',
  });
  expect(transient.status).toBe(503);
  expect(JSON.parse(transient.body)).toEqual({ error_code: 503, message: 'Connection lost: reset by peer' });
});

test('a bug is answered with 500, tells nothing of itself, and is logged with its stack', async () => {
  const { operation } = daemon;
  daemon.operation = () => Promise.reject(new Error('undefined is not a canary'));
  const answer = await operate({ kind: 'reset', connector: 'a' });
  daemon.operation = operation;
  expect(answer.status).toBe(500);
  expect(answer.body).not.toMatch(/canary|at /);
  expect(JSON.parse(answer.body)).toMatchObject({ error_code: 500 });
  expect(log.lines.at(-1)).toMatchObject({
    fact: 'request failed',
    fields: { path: '/rowcast/v1/operate', stack: expect.stringContaining('canary') },
  });
});

test('a body up to the limit is taken, a larger one is answered with 413, announced or not', async () => {
  const fitting = JSON.stringify({ kind: 'reset', connector: 'x' }).padEnd(MAX_BODY_BYTES);
  for (const framing of [{ 'transfer-encoding': 'chunked' }, { 'content-length': String(MAX_BODY_BYTES) }]) {
    const headers = { ...JSON_TYPE, ...framing };
    expect((await ask('/rowcast/v1/operate', headers, { method: 'POST', body: fitting })).status).toBe(200);
    expect(daemon.asked.at(-1)).toEqual({ kind: 'reset', connector: 'x' });
  }
  for (const path of ['/rowcast/v1/operate', '/subjects/s/versions', '/bogus']) {
    expect(await sendEndlessly(path, 'Transfer-Encoding: chunked'), path).toContain('HTTP/1.1 413');
    expect(await sendEndlessly(path, `Content-Length: ${2 ** 40}`), path).toContain('HTTP/1.1 413');
  }
});

/** Sends a body without end, and returns what was answered when the server has closed the connection. */
async function sendEndlessly(path: string, framing: string): Promise<string> {
  const { socket, answered } = dial(server);
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`);
  const part = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  const push = (): void => {
    while (!socket.destroyed && socket.write(part));
  };
  socket.on('drain', push);
  push();
  return await answered;
}

/** A connection of its own to the server; `answered` is all that came when it is closed. */
function dial({ url }: RestServer): { socket: Socket; answered: Promise<string> } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (data) => (text += data));
  socket.on('error', () => undefined); // the server may end the connection while it is written to
  return { socket, answered: new Promise((resolve) => socket.on('close', () => resolve(text))) };
}

test.each([
  ['\u0016\u0003 no HTTP\r\n\r\n', 'HTTP/1.1 400'],
  ['GET / HTTP/1.0\r\n\r\n', 'HTTP/1.1 403'],
  ['GET / HTTP/1.1\r\n\r\n', 'HTTP/1.1 400'],
  ['GET / HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n', 'HTTP/1.1 403'],
  ['GET / HTTP/1.1\r\nHost: local/host?x\r\nConnection: close\r\n\r\n', 'HTTP/1.1 400'],
  ['GET /connectors/%ff%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 'HTTP/1.1 404'],
  ['GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 'HTTP/1.1 404'],
])('the malformed request %j is answered, and ends nothing else', async (text, status) => {
  const { socket, answered } = dial(server);
  socket.write(text);
  expect((await answered).slice(0, status.length)).toBe(status);
  expect((await ask('/connectors')).status).toBe(200);
});

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
/** Something to wait for. */
function gate(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

const secured: [RestConfig['authentication'], string, string, string[]][] = [
  [
    'basic',
    'ops:canary pässword:1',
    basic('ops:canary pässword:1'),
    [
      '',
      basic('ops:'),
      basic('ops:canary pässword:'),
      basic('ops:canary pässword:12'),
      'Basic',
      'Basic %%%',
      'Bearer x',
    ],
  ],
  [
    'bearer',
    'canary-token',
    'Bearer canary-token',
    ['', 'Bearer canary-toke', 'Bearer canary-token1', 'Bearer', 'canary-token', basic('canary-token')],
  ],
];

test.each(secured)(
  'with %s authentication only the right credentials are let in',
  async (scheme, credentials, right, wrong) => {
    await using secure = await serve(daemon, { authentication: scheme, credentials });
    const paths = [
      '/',
      '/connectors',
      '/metrics',
      '/subjects',
      '/bogus',
      '/rowcast/v1/operate',
      '/health/x',
      '/Health',
    ];
    for (const path of paths) {
      for (const authorization of wrong) {
        const answer = await ask(path, { authorization }, { url: secure.url });
        expect(answer.status, `${path} ${authorization}`).toBe(401);
        expect(answer.headers['www-authenticate']).toMatch(new RegExp(`^${scheme} realm="rowcast"`, 'i'));
        expect(JSON.parse(answer.body)).toMatchObject({ error_code: 401 });
        expect(answer.body).not.toContain('canary');
      }
      expect((await ask(path, { authorization: right }, { url: secure.url })).status, path).not.toBe(401);
    }
    const lower = right.replace(/^\w+/, (name) => name.toLowerCase());
    expect((await ask('/', { authorization: lower }, { url: secure.url })).status).toBe(200);
  },
);

test('probes need no credentials, and are told no names without them', async () => {
  const ill = new FakeDaemon();
  ill.views = [sourceView(), failedView()];
  await using secure = await serve(ill, { authentication: 'bearer', credentials: 'token' });
  expect((await ask('/ready', {}, { url: secure.url })).status).toBe(200);
  const open = await ask('/health/', {}, { url: secure.url });
  expect(open.status).toBe(503);
  expect(JSON.parse(open.body)).toEqual({
    status: 'unhealthy',
    message: '1 of 2 connectors are not healthy; credentials show which',
  });
  const trusted = await ask('/health', { authorization: 'Bearer token' }, { url: secure.url });
  expect(trusted.body).toContain('failed-source');
});

test('known secrets are in no answer, and names stay as they are', async () => {
  const redactor = createRedactor();
  redactor.add(['canary', 'shop-source', 'RUNNING']);
  const told = new FakeDaemon();
  told.operation = () => Promise.reject(new OperatorError('FATAL: canary', { advice: 'Not "canary".' }));
  const failure = { message: 'password canary rejected', advice: 'Change canary.' };
  told.views = [
    sourceView({ warnings: ['canary is no number'] }),
    sourceView({ name: 'retrying' }, { name: 'retrying', state: 'retrying', failure }),
    { ...brokenView(), problems: ['database.password canary'], config: { unknown: 'canary' } },
  ];
  await using masked = await serve(told, {}, { redactor });
  for (const path of ['/connectors?expand=info&expand=status', '/connectors/broken/config', '/health']) {
    const { body } = await ask(path, {}, { url: masked.url });
    expect(body).not.toContain('canary');
    expect(body).toContain('********');
  }
  const operated = await ask('/rowcast/v1/operate', JSON_TYPE, {
    method: 'POST',
    body: '{"kind":"reset","connector":"a"}',
    url: masked.url,
  });
  expect(operated.status).toBe(409);
  expect(JSON.parse(operated.body)).toMatchObject({ message: 'FATAL: ********', advice: 'Not "********".' });
  const names = await ask('/connectors', {}, { url: masked.url });
  expect(JSON.parse(names.body)).toEqual(['shop-source', 'retrying', 'broken']);
  const { body } = await ask('/connectors/shop-source/status', {}, { url: masked.url });
  expect(JSON.parse(body)).toMatchObject({ name: 'shop-source', connector: { state: 'RUNNING' } });
});

test('closing ends connections that are kept alive, and listens no more', async () => {
  const closing = await serve(daemon);
  const { socket, answered } = dial(closing);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  await closing[Symbol.asyncDispose]();
  expect(await answered).toContain('HTTP/1.1 200');
  await expect(fetch(closing.url)).rejects.toThrow('fetch failed');
  await closing[Symbol.asyncDispose]();
});

test('closing lets a request in flight end, and aborts what was asked of the daemon', async () => {
  const busy = new FakeDaemon();
  const begun = gate();
  busy.operation = async (_, signal) => {
    begun.resolve();
    await once(signal, 'abort');
    return { lines: ['given up'], value: null };
  };
  const closing = await serve(busy);
  const { socket, answered } = dial(closing);
  const body = '{"kind":"offsets"}';
  const head = 'POST /rowcast/v1/operate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
  socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
  await begun.promise;
  await closing[Symbol.asyncDispose]();
  const answer = await answered;
  expect(answer).toContain('HTTP/1.1 200');
  expect(answer).toContain('given up');
  expect(answer.toLowerCase()).toContain('connection: close');
});

test('closing does not wait for clients that never end', async () => {
  const deaf = new FakeDaemon();
  const begun = gate();
  deaf.operation = () => {
    begun.resolve();
    return new Promise(() => undefined);
  };
  const closing = await serve(deaf);
  const silent = dial(closing);
  const asking = fetch(`${closing.url}/rowcast/v1/operate`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: '{"kind":"offsets"}',
  }).catch(() => 'ended');
  await begun.promise;
  await closing[Symbol.asyncDispose]();
  expect(await asking).toBe('ended');
  expect(await silent.answered).toBe('');
});

test('an operation is given up when its client goes away', async () => {
  const busy = new FakeDaemon();
  const begun = gate();
  const given = gate();
  busy.operation = async (_, signal) => {
    begun.resolve();
    await once(signal, 'abort');
    given.resolve();
    return { lines: [], value: null };
  };
  await using open = await serve(busy);
  const leaving = new AbortController();
  const asking = fetch(`${open.url}/rowcast/v1/operate`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: '{"kind":"offsets"}',
    signal: leaving.signal,
  }).catch(() => 'left');
  await begun.promise;
  leaving.abort();
  await given.promise;
  expect(await asking).toBe('left');
});

test('without credentials nothing is changed', async () => {
  const guarded = new FakeDaemon();
  await using open = await serve(guarded, { authentication: 'bearer', credentials: 'right' });
  const changes = [
    ['POST', '/connectors'],
    ['PUT', '/connectors/shop-source/config'],
    ['PATCH', '/connectors/shop-source/config'],
    ['DELETE', '/connectors/shop-source'],
    ['PUT', '/connectors/shop-source/stop'],
    ['POST', '/connectors/shop-source/restart'],
    ['DELETE', '/connectors/shop-source/offsets'],
    ['PUT', '/admin/loggers/root'],
  ] as const;
  for (const [method, path] of changes) {
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const answer = await ask(
        path,
        { ...JSON_TYPE, ...headers },
        { method, url: open.url, ...(method !== 'DELETE' && { body: '{}' }) },
      );
      expect(answer.status, `${method} ${path}`).toBe(401);
    }
  }
  expect(guarded.changes).toEqual([]);
  const right = { authorization: 'Bearer right' };
  expect((await ask('/connectors/shop-source/stop', right, { method: 'PUT', url: open.url })).status).toBe(204);
  expect(guarded.changes).toEqual([['setTarget', 'shop-source', 'STOPPED']]);
});
