import { createLogSchemaStore } from '../../../src/converter/registry/log-store.ts';
import { decodeRecord, encodeRecord } from '../../../src/converter/registry/schema-record.ts';
import { RegistryState } from '../../../src/converter/registry/registry-state.ts';
import { LogLevels } from '../../../src/observe/log-levels.ts';
import type { LogFields, Logger } from '../../../src/observe/logger.ts';
import { createApp } from '../../../src/worker/rest/app.ts';
import { judge } from '../../../src/worker/rest/health.ts';
import { memoryTopic } from '../../converter/registry/memory-topic.ts';
import { FakeDaemon, LOOPBACK } from '../../worker/rest/fake-daemon.ts';
import type { Target } from '../target.ts';

const json = (value: unknown): string => JSON.stringify(value);
const field = (name: string, type: unknown, more: object = {}): object => ({ name, type, ...more });
const R1 = json({ type: 'record', name: 'R', fields: [field('a', 'int')] });
const R2 = json({
  type: 'record',
  name: 'R',
  fields: [
    field('a', 'long'),
    field('b', ['null', { type: 'array', items: 'R' }], { default: null }),
    field('c', { type: 'enum', name: 'E', symbols: ['A', 'B'], default: 'A' }, { aliases: ['d'], default: 'A' }),
    field('f', { type: 'fixed', name: 'F', size: 4 }, { default: '    ' }),
  ],
});

/** A request: its line, its type, an empty line, its body. */
const REQUESTS: readonly string[] = [
  ['POST /connectors', json({ name: 'a', config: { 'connector.class': 'PostgresSink', topics: 'a' } })],
  ['PUT /connectors/shop-source/config', json({ 'connector.class': 'PostgresWalSource', 'tasks.max': 1 })],
  ['PATCH /connectors/shop-source/config', json({ 'snapshot.mode': null })],
  ['PUT /connector-plugins/PostgresSink/config/validate', json({ 'connector.class': 'PostgresSink', name: 'a' })],
  ['PATCH /connectors/shop-source/offsets', json({ offsets: [{ partition: { server: 'a' }, offset: { lsn: 5 } }] })],
  ['PUT /admin/loggers/root', json({ level: 'DEBUG' })],
  ['POST /connectors/shop-source/snapshot', json({ tables: ['public.orders'], type: 'incremental' })],
  ['POST /rowcast/operate', json({ operation: 'accept', connector: 'shop-source' })],
  ['POST /subjects/a-value/versions', json({ schema: R1 })],
  ['POST /subjects/a-value/versions?normalize=true', json({ schema: R2, schemaType: 'AVRO', references: [] })],
  ['POST /subjects/a-value', json({ schema: R1 })],
  ['POST /compatibility/subjects/a-value/versions/latest?verbose=true', json({ schema: R2 })],
  ['PUT /config/a-value', json({ compatibility: 'FULL_TRANSITIVE' })],
  ['PUT /config', json({ compatibility: 'NONE' })],
  ['GET /connectors?expand=status&expand=info', ''],
  ['GET /connectors/shop-source/status', ''],
  ['GET /topics/shop.public.orders/records?from=0&limit=5', ''],
  ['GET /schemas/ids/1?subject=a', ''],
  ['GET /subjects?subjectPrefix=:.:a&deleted=true&offset=1&limit=2', ''],
  ['GET /metrics', ''],
  ['GET /health', ''],
  ['DELETE /subjects/a-value/versions/1?permanent=true', ''],
  ['DELETE /connectors/shop-source', ''],
].map(([line, body]) => `${line}\napplication/json\n\n${body}`);

/** What bugs are told to: the daemon's log. */
class BugLog implements Logger {
  bug: LogFields | undefined;

  debug(): void {}
  info(): void {}
  warn(): void {}
  error(_fact: string, fields?: LogFields): void {
    this.bug = fields;
  }
}

interface World {
  readonly app: ReturnType<typeof createApp>;
  readonly log: BugLog;
  left: number;
}

/** A registry with many schemas is another target's: it begins anew after so many requests. */
const REQUESTS_EACH = 50;
let present: World | undefined;

function world(): World {
  if (present !== undefined && present.left-- > 0) return present;
  const view = new FakeDaemon();
  view.registry = createLogSchemaStore(memoryTopic());
  const log = new BugLog();
  const app = createApp({
    config: LOOPBACK,
    view,
    logger: log,
    redactor: undefined,
    levels: new LogLevels('info'),
    workerId: () => '127.0.0.1:8083',
    judgeNow: () => judge(view.connectors(), 0, 60_000, new Map()),
    failingSince: () => new Map(),
    now: () => 0,
    closing: new AbortController().signal,
  });
  present = { app, log, left: REQUESTS_EACH };
  return present;
}

export const REST_TARGETS: readonly Target[] = [
  {
    name: 'rest-requests',
    reads: 'requests to the REST API and the built-in registry',
    corpus: () => REQUESTS.map((each) => Buffer.from(each)),
    run: ask,
    // Metrics and the answers' streams.
    mostBytes: (size) => 64 * 1024 * 1024 + 4096 * size,
  },
  {
    name: 'registry-bodies',
    reads: 'schemas that are registered or compared',
    json: { prefix: 0 },
    corpus: () =>
      [R1, R2, json({ type: 'array', items: JSON.parse(R2) as unknown }), json('int')].map((each) => Buffer.from(each)),
    run: async (input) => {
      const body = json({ schema: input.toString('utf8') });
      for (const path of [
        '/compatibility/subjects/b-value/versions/latest?verbose=true',
        '/subjects/b-value/versions',
      ]) {
        await ask(Buffer.from(`POST ${path}\napplication/json\n\n${body}`));
      }
    },
    mostBytes: (size) => 128 * 1024 * 1024 + 4096 * size,
  },
  {
    name: 'schema-records',
    reads: 'records of the schemas topic',
    json: { prefix: 1 },
    corpus: () => [
      encodeRecord({ kind: 'register', subject: 'a', schema: R1 }),
      encodeRecord({ kind: 'register checked', subject: 'a', schema: R2, after: 0 }),
      encodeRecord({ kind: 'delete', subject: 'a', versions: [1], permanent: false }),
      encodeRecord({ kind: 'level', subject: 'a', level: 'FULL' }),
    ],
    run: (input) => {
      const state = new RegistryState();
      state.apply(0, { kind: 'register', subject: 'a', schema: R1 });
      state.apply(1, decodeRecord(1, input));
      for (const { subject, schema } of state.versions()) state.find(subject, schema);
    },
  },
];

async function ask(input: Buffer): Promise<void> {
  const [, method, path, type, body] = /^(\S+) (\S+)\n([^\n]*)\n\n([^]*)$/.exec(input.toString('utf8')) ?? [];
  const request = path === undefined ? undefined : requestOf(method ?? '', path, type ?? '', body ?? '');
  if (request === undefined) return; // no client could send it
  const { app, log } = world();
  const answer = await app.fetch(request);
  await answer.text();
  const { bug } = log;
  log.bug = undefined;
  if (bug !== undefined) throw new TypeError(String(bug['stack'] ?? bug['message']));
}

/** Undefined for what is no request. */
function requestOf(method: string, path: string, type: string, body: string): Request | undefined {
  try {
    const url = `http://127.0.0.1:8083${path.startsWith('/') ? path : `/${path}`}`;
    const hasBody = body !== '' && !['GET', 'HEAD'].includes(method.toUpperCase());
    return new Request(url, { method, headers: { 'content-type': type }, ...(hasBody && { body }) });
  } catch {
    return undefined;
  }
}
