import type { Context, Hono } from 'hono';
import { DEFAULT_LEVEL, type CompatibilityLevel, type Registry } from '../../converter/registry/registry.ts';
import { registryAnswer } from './registry-answer.ts';
import { RegistryCode, RegistryRefusal } from './registry-refusal.ts';
import { isAsked, requestSignal, schemaIn, subjectIn, versionIn } from './registry-request.ts';

/** `/compatibility`: what a registration would be told, with `?verbose=true` and why. */
export function addCompatibility(routes: Hono, registry: Registry): void {
  routes.post('/compatibility/subjects/:subject/versions/:version', async (c) => {
    const version = versionIn(c);
    const schema = await schemaIn(c);
    const live = await schemasOf(c, registry);
    const found = version === 'latest' ? live.at(-1) : live.find((each) => each.version === version);
    // Nothing is incompatible with the latest of no versions; a number that is not there is a mistake.
    if (found === undefined && version !== 'latest') {
      throw new RegistryRefusal(RegistryCode.versionNotFound, `Version ${version} not found`);
    }
    return await compare(c, registry, schema, found === undefined ? [] : [found.schema]);
  });
  routes.post('/compatibility/subjects/:subject/versions', async (c) => {
    const schema = await schemaIn(c);
    const live = await schemasOf(c, registry);
    return await compare(
      c,
      registry,
      schema,
      live.map((each) => each.schema),
    );
  });
}

async function schemasOf(c: Context, registry: Registry): ReturnType<Registry['versions']> {
  const subject = subjectIn(c);
  return (await registry.versions(requestSignal())).filter((each) => each.subject === subject && !each.deleted);
}

async function compare(c: Context, registry: Registry, schema: string, others: readonly string[]): Promise<Response> {
  const messages = registry.incompatibilities(schema, others, await effectiveLevel(registry, subjectIn(c)));
  return registryAnswer(c, { is_compatible: messages.length === 0, ...(isAsked(c, 'verbose') && { messages }) });
}

async function effectiveLevel(registry: Registry, subject: string): Promise<CompatibilityLevel> {
  const signal = requestSignal();
  return (await registry.level(subject, signal)) ?? (await registry.level(undefined, signal)) ?? DEFAULT_LEVEL;
}
