import { request } from 'node:http';
import { expect } from 'vitest';

/** What a row of the table needs to know of the daemon and its databases. */
export interface Scene {
  readonly url: string;
  /** Of a source of the table's own database. */
  readonly source: Readonly<Record<string, string>>;
  /** Of a sink for it. */
  readonly sink: Readonly<Record<string, string>>;
  /** The directory of connector files. */
  readonly directory: string;
}

/** One request and what is answered to it. Rows are carried out one after the other, on one daemon. */
export interface Expectation {
  /** Behaviour, where method and path do not say it. */
  readonly about?: string;
  readonly method: string;
  readonly path: string;
  /** A text is sent as it is, anything else as JSON; a function makes it of the scene. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  /** What the answer's JSON matches; a RegExp is for the text of `message`; `''` an empty body. */
  readonly answers?: unknown;
  readonly location?: string;
  /** Asked again until it is so. */
  readonly eventually?: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Everything that was answered. */
export const ANSWERED: string[] = [];

/** No answer may take longer: a hang fails its row. */
const PATIENCE_MS = 20_000;

/** Asks once; fails when nothing comes. Paths are sent as they are, which fetch does not do. */
export async function ask(
  { url }: Pick<Scene, 'url'>,
  method: string,
  path: string,
  text?: string,
  headers: Expectation['headers'] = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return await new Promise((resolve, reject) => {
    const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
    const sent = request(
      { host: hostname, port, method, path, headers: { ...length, ...headers }, agent: false, timeout: PATIENCE_MS },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (part: string) => (body += part));
        response.on('end', () => ANSWERED.push(body));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body }));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} was not answered`)));
    sent.on('error', reject);
    sent.end(text);
  });
}

/** Carries a row out. */
export async function meet(scene: Scene, row: Expectation): Promise<void> {
  if (row.eventually === true)
    await expect.poll(() => tried(scene, row), { timeout: 30_000, interval: 100 }).toBe('met');
  await meetOnce(scene, row);
}

async function tried(scene: Scene, row: Expectation): Promise<string> {
  return await meetOnce(scene, row).then(
    () => 'met',
    (error: unknown) => String(error),
  );
}

async function meetOnce(
  scene: Scene,
  { method, path, body, headers, status, answers, location }: Expectation,
): Promise<void> {
  const said: unknown = typeof body === 'function' ? (body as (scene: Scene) => unknown)(scene) : body;
  const text = said === undefined || typeof said === 'string' ? said : JSON.stringify(said);
  const type = text === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await ask(scene, method, path, text, { ...type, ...headers });
  expect(answer.status, answer.text).toBe(status);
  if (location !== undefined) expect(answer.headers.location).toBe(location);
  if (answers === '') {
    expect(answer.text).toBe('');
    return;
  }
  if (status >= 400 && method !== 'HEAD') {
    expect(JSON.parse(answer.text)).toMatchObject({ error_code: status, message: expect.any(String) as string });
  }
  if (answers instanceof RegExp) expect((JSON.parse(answer.text) as { message: string }).message).toMatch(answers);
  else if (answers !== undefined) expect(JSON.parse(answer.text)).toMatchObject(answers as object);
}
