import { expect, test } from 'vitest';
import type { Registry } from '../../../src/converter/registry/registry.ts';
import { LogLevels } from '../../../src/observe/log-levels.ts';
import { createApp } from '../../../src/worker/rest/app.ts';
import { FakeDaemon, KeptLog, LOOPBACK } from './fake-daemon.ts';

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, object>>;
}

function appWith(registry: Registry | undefined): ReturnType<typeof createApp> {
  const daemon = new FakeDaemon();
  daemon.registry = registry;
  return createApp({
    config: LOOPBACK,
    view: daemon,
    logger: new KeptLog(),
    redactor: undefined,
    levels: new LogLevels('info'),
    workerId: () => '127.0.0.1:8083',
    judgeNow: () => ({ status: 'healthy', message: '', connectors: [] }),
    failingSince: () => new Map(),
    now: () => 0,
    closing: new AbortController().signal,
  });
}

async function described(app: ReturnType<typeof createApp>): Promise<Described> {
  const answer = await app.request('/openapi.json', { headers: { host: 'localhost' } });
  return (await answer.json()) as Described;
}

/** Every route of the app, as OpenAPI writes it; what stands for all methods (guards, refusals) is none, nor are the page's files. */
function routed(app: ReturnType<typeof createApp>): readonly string[] {
  const routes = app.routes.filter(({ method, path }) => method !== 'ALL' && !path.startsWith('/ui'));
  return [...new Set(routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`))].sort();
}

test.each([
  ['with the built-in registry', {} as Registry],
  ['with an external registry', undefined],
])('every route is described, and everything described is routed, %s', async (_, registry) => {
  const app = appWith(registry);
  const { paths } = await described(app);
  const told = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(told.sort()).toEqual(routed(app));
});

test('everything that is referred to is there, and what stands in a path is a parameter', async () => {
  const document = await described(appWith({} as Registry));
  const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name as string,
  );
  const used = new Set(refs);
  expect([...used].filter((name) => !Object.hasOwn(document.components.schemas, name))).toEqual([]);
  expect(Object.keys(document.components.schemas).filter((name) => !used.has(name))).toEqual([]);
  for (const [path, methods] of Object.entries(document.paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { summary, parameters = [], responses } of Object.values(methods)) {
      expect(parameters.filter((each) => each.in === 'path').map(({ name }) => name)).toEqual(names);
      expect(summary).not.toBe('');
      expect(Object.keys(responses)).not.toEqual([]);
    }
  }
});
