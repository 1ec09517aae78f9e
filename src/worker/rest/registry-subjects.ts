import type { Hono } from 'hono';
import type { Registry, SubjectVersion } from '../../converter/registry/registry.ts';
import { compact, isSameSchema, parseSchema } from '../../converter/registry/schema-text.ts';
import { registryAnswer, registryText } from './registry-answer.ts';
import { RegistryCode, RegistryRefusal } from './registry-refusal.ts';
import {
  isAsked,
  newSchemaIn,
  page,
  pick,
  requestSignal,
  schemaIn,
  subjectIn,
  unqualified,
  versionIn,
  versionsOf,
} from './registry-request.ts';

/** `/subjects` and below. */
export function addSubjects(routes: Hono, registry: Registry): void {
  addLists(routes, registry);
  addVersions(routes, registry);
  addRegistration(routes, registry);
  addDeletes(routes, registry);
}

/** A version as clients know it; the type of an Avro schema is left out, as Confluent does. */
export function versionBody({ subject, version, id, schema }: SubjectVersion): object {
  return { subject, version, id, schema };
}

function addLists(routes: Hono, registry: Registry): void {
  routes.get('/subjects', async (c) => {
    const prefix = unqualified(c.req.query('subjectPrefix') ?? '');
    const isDeletedOnly = isAsked(c, 'deletedOnly');
    const all = await registry.versions(requestSignal());
    const live = new Set(all.filter((each) => !each.deleted).map((each) => each.subject));
    const gone = new Set(all.map((each) => each.subject).filter((subject) => !live.has(subject)));
    const names = isDeletedOnly ? gone : isAsked(c, 'deleted') ? new Set([...live, ...gone]) : live;
    const found = [...names].filter((name) => name.startsWith(prefix)).sort();
    return registryAnswer(c, page(c, found));
  });
  routes.get('/subjects/:subject/versions', async (c) => {
    const isDeletedOnly = isAsked(c, 'deletedOnly');
    const all = await registry.versions(requestSignal());
    const found = versionsOf(all, subjectIn(c), isDeletedOnly || isAsked(c, 'deleted'));
    const asked = found.filter((each) => !isDeletedOnly || each.deleted).map((each) => each.version);
    return registryAnswer(c, page(c, asked));
  });
}

function addVersions(routes: Hono, registry: Registry): void {
  routes.get('/subjects/:subject/versions/:version', async (c) => {
    const version = versionIn(c);
    const all = await registry.versions(requestSignal());
    return registryAnswer(c, versionBody(pick(versionsOf(all, subjectIn(c), isAsked(c, 'deleted')), version)));
  });
  routes.get('/subjects/:subject/versions/:version/schema', async (c) => {
    const version = versionIn(c);
    const all = await registry.versions(requestSignal());
    return registryText(c, pick(versionsOf(all, subjectIn(c), isAsked(c, 'deleted')), version).schema);
  });
  routes.get('/subjects/:subject/versions/:version/referencedby', async (c) => {
    const version = versionIn(c);
    const all = await registry.versions(requestSignal());
    pick(versionsOf(all, subjectIn(c), true), version);
    return registryAnswer(c, []);
  });
}

function addRegistration(routes: Hono, registry: Registry): void {
  routes.post('/subjects/:subject/versions', async (c) => {
    const { id } = await registry.registerChecked(subjectIn(c), await newSchemaIn(c), requestSignal());
    return registryAnswer(c, { id });
  });
  routes.post('/subjects/:subject', async (c) => {
    const subject = subjectIn(c);
    const schema = await schemaIn(c);
    parseSchema(schema);
    const text = compact(schema, 'The schema');
    const versions = versionsOf(await registry.versions(requestSignal()), subject, isAsked(c, 'deleted'));
    const found =
      versions.findLast((each) => each.schema === text) ?? versions.findLast((each) => isSameSchema(each.schema, text));
    if (found !== undefined) return registryAnswer(c, versionBody(found));
    throw new RegistryRefusal(RegistryCode.schemaNotFound, `Schema not found under subject "${subject}"`);
  });
}

function addDeletes(routes: Hono, registry: Registry): void {
  routes.delete('/subjects/:subject', async (c) => {
    const subject = subjectIn(c);
    return registryAnswer(c, await registry.delete(subject, undefined, isAsked(c, 'permanent'), requestSignal()));
  });
  routes.delete('/subjects/:subject/versions/:version', async (c) => {
    const signal = requestSignal();
    const subject = subjectIn(c);
    const isPermanent = isAsked(c, 'permanent');
    const asked = versionIn(c);
    const version =
      asked === 'latest'
        ? pick(versionsOf(await registry.versions(signal), subject, isPermanent), asked).version
        : asked;
    await registry.delete(subject, version, isPermanent, signal);
    return registryAnswer(c, version);
  });
}
