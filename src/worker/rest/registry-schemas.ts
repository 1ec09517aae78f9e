import type { Context, Hono } from 'hono';
import type { Registry, SubjectVersion } from '../../converter/registry/registry.ts';
import { registryAnswer, registryText } from './registry-answer.ts';
import { RegistryCode, RegistryRefusal } from './registry-refusal.ts';
import { isAsked, page, requestSignal, unqualified } from './registry-request.ts';
import { versionBody } from './registry-subjects.ts';

/** `/schemas` and below. A soft-deleted schema is found by its id: rows were written with it. */
export function addSchemas(routes: Hono, registry: Registry): void {
  routes.get('/schemas', async (c) => {
    const prefix = unqualified(c.req.query('subjectPrefix') ?? '');
    const all = await registry.versions(requestSignal());
    const seen = all.filter((each) => each.subject.startsWith(prefix) && (isAsked(c, 'deleted') || !each.deleted));
    const found = isAsked(c, 'latestOnly') ? [...new Map(seen.map((each) => [each.subject, each])).values()] : seen;
    const sorted = found.toSorted((a, b) =>
      a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : a.version - b.version,
    );
    return registryAnswer(c, page(c, sorted).map(versionBody));
  });
  routes.get('/schemas/types', (c) => registryAnswer(c, ['AVRO']));
  addById(routes, registry);
}

function addById(routes: Hono, registry: Registry): void {
  routes.get('/schemas/ids/:id', async (c) => {
    const all = await registry.versions(requestSignal());
    const [{ schema }] = withId(c, all);
    const maxId = all.reduce((most, each) => Math.max(most, each.id), 0);
    return registryAnswer(c, { schema, ...(isAsked(c, 'fetchMaxId') && { maxId }) });
  });
  routes.get('/schemas/ids/:id/schema', async (c) => {
    const [{ schema }] = withId(c, await registry.versions(requestSignal()));
    return registryText(c, schema);
  });
  routes.get('/schemas/ids/:id/subjects', async (c) => {
    const found = asked(c, withId(c, await registry.versions(requestSignal())));
    return registryAnswer(c, page(c, [...new Set(found.map((each) => each.subject))].sort()));
  });
  routes.get('/schemas/ids/:id/versions', async (c) => {
    const found = asked(c, withId(c, await registry.versions(requestSignal())));
    return registryAnswer(
      c,
      page(
        c,
        found.map(({ subject, version }) => ({ subject, version })),
      ),
    );
  });
}

/** The versions with the id in the path, at least one. `?subject` is a hint where to look, which one context has no use for. */
function withId(c: Context, all: readonly SubjectVersion[]): readonly [SubjectVersion, ...SubjectVersion[]] {
  const id = c.req.param('id') ?? '';
  const [first, ...others] = all.filter((each) => String(each.id) === id);
  if (first !== undefined) return [first, ...others];
  throw new RegistryRefusal(RegistryCode.schemaNotFound, `Schema ${id} not found`);
}

function asked(c: Context, found: readonly SubjectVersion[]): readonly SubjectVersion[] {
  const subject = unqualified(c.req.query('subject') ?? '');
  return found.filter(
    (each) => (isAsked(c, 'deleted') || !each.deleted) && (subject === '' || each.subject === subject),
  );
}
