import type { Context, Hono } from 'hono';
import { COMPATIBILITY_LEVELS, type CompatibilityLevel, type Registry } from '../../converter/registry/registry.ts';
import { registryAnswer } from './registry-answer.ts';
import { RegistryCode, RegistryRefusal } from './registry-refusal.ts';
import { bodyOf, isAsked, requestSignal, subjectIn } from './registry-request.ts';

/** `/config`: compatibility levels; `/mode`: always READWRITE. */
export function addLevels(routes: Hono, registry: Registry): void {
  addConfig(routes, registry);
  addSubjectConfig(routes, registry);
  addMode(routes);
}

function addConfig(routes: Hono, registry: Registry): void {
  routes.get('/config', async (c) => {
    return registryAnswer(c, { compatibilityLevel: await registry.level(undefined, requestSignal()) });
  });
  routes.put('/config', async (c) => {
    const compatibility = await levelIn(c);
    await registry.setLevel(undefined, compatibility, requestSignal());
    return registryAnswer(c, { compatibility });
  });
  routes.delete('/config', async (c) => {
    const signal = requestSignal();
    const compatibilityLevel = await registry.level(undefined, signal);
    await registry.setLevel(undefined, undefined, signal);
    return registryAnswer(c, { compatibilityLevel });
  });
}

function addSubjectConfig(routes: Hono, registry: Registry): void {
  routes.get('/config/:subject', async (c) => {
    const signal = requestSignal();
    const own = await registry.level(subjectIn(c), signal);
    if (own === undefined && !isAsked(c, 'defaultToGlobal')) throw notConfigured(subjectIn(c));
    return registryAnswer(c, { compatibilityLevel: own ?? (await registry.level(undefined, signal)) });
  });
  routes.put('/config/:subject', async (c) => {
    const compatibility = await levelIn(c);
    await registry.setLevel(subjectIn(c), compatibility, requestSignal());
    return registryAnswer(c, { compatibility });
  });
  routes.delete('/config/:subject', async (c) => {
    const signal = requestSignal();
    const compatibilityLevel = await registry.level(subjectIn(c), signal);
    if (compatibilityLevel === undefined) throw notConfigured(subjectIn(c));
    await registry.setLevel(subjectIn(c), undefined, signal);
    return registryAnswer(c, { compatibilityLevel });
  });
}

/** Modes that Confluent's registry has; here everything is always READWRITE. */
const MODES: readonly unknown[] = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'];

function addMode(routes: Hono): void {
  const set = async (c: Context): Promise<Response> => {
    const { mode } = await bodyOf(c);
    if (mode === 'READWRITE') return registryAnswer(c, { mode });
    if (!MODES.includes(mode)) throw new RegistryRefusal(RegistryCode.invalidMode, 'Mode is not one of READWRITE');
    throw new RegistryRefusal(RegistryCode.notPermitted, 'This registry has no mode but READWRITE');
  };
  const noMode = (c: Context): RegistryRefusal =>
    new RegistryRefusal(
      RegistryCode.modeNotConfigured,
      `Subject "${subjectIn(c)}" does not have subject-level mode configured`,
    );
  routes.get('/mode', (c) => registryAnswer(c, { mode: 'READWRITE' }));
  routes.put('/mode', set);
  routes.get('/mode/:subject', (c) => {
    if (isAsked(c, 'defaultToGlobal')) return registryAnswer(c, { mode: 'READWRITE' });
    throw noMode(c);
  });
  routes.put('/mode/:subject', set);
  routes.delete('/mode/:subject', (c) => {
    throw noMode(c);
  });
}

async function levelIn(c: Context): Promise<CompatibilityLevel> {
  // Confluent's `normalize` asks for what is done here anyway: the order of properties makes no new version.
  const { compatibility, normalize: _, ...others } = await bodyOf(c);
  const level = COMPATIBILITY_LEVELS.find((each) => each === compatibility);
  if (level === undefined) {
    throw new RegistryRefusal(
      RegistryCode.invalidLevel,
      `"compatibility" is not one of ${COMPATIBILITY_LEVELS.join(', ')}`,
    );
  }
  const unknown = Object.entries(others).find(([, value]) => value !== null && value !== false);
  if (unknown === undefined) return level;
  throw new RegistryRefusal(RegistryCode.notPermitted, `"${unknown[0]}" is not supported: a level is all that is kept`);
}

function notConfigured(subject: string): RegistryRefusal {
  return new RegistryRefusal(
    RegistryCode.levelNotConfigured,
    `Subject "${subject}" does not have subject-level compatibility configured`,
  );
}
