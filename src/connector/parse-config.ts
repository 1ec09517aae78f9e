import { type AnyDeclaration, currentName, own, reasonFor } from './connector-class.ts';
import { FRAMEWORK_KEYS, isKnownKey, knownKeys } from './known-keys.ts';
import { nearest } from './nearest.ts';
import { type RawConfig, readSettings, settingsOf } from './read-settings.ts';
import type { Files } from './read-tls.ts';
import { type Environment, hasReference } from './reference.ts';
import { looksGenerated, looksSecret, urlPasswords } from './secret.ts';

export { maskConfig } from './mask-config.ts';
export type { RawConfig } from './read-settings.ts';

/** What became of a raw config: the typed one when there are no problems. */
export interface ParsedConfig<C> {
  readonly config: C | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Everything in it that must never be printed, for a logger to look for; references are resolved. */
  readonly secrets: readonly string[];
}

/**
 * Reads every setting of the declaration, so that all problems of a file are known at once. Unknown keys are warned about, with the
 * nearest known one. `connector.class` must be the class's name or one of its aliases. `files` says whether the files that settings name
 * are looked at; those of references are, always.
 */
export function parseConfig<C>(
  declaration: AnyDeclaration<C>,
  raw: RawConfig,
  env: Environment,
  files: Files = 'read',
): ParsedConfig<C> {
  const read = readSettings(declaration, raw, env);
  const others = judgeOtherKeys(declaration, raw);
  const secrets = [...read.flatMap((each) => each.secrets), ...strangeSecrets(declaration, raw)];
  const problems = [
    ...read.flatMap(({ setting, problem }) => (problem === undefined ? [] : [`${setting.key} ${problem}`])),
    ...others.problems.map(({ message }) => message),
  ];
  if (problems.length > 0) return { config: undefined, problems, warnings: others.warnings, secrets };
  const settings = Object.fromEntries(read.map(({ member, value }) => [member, value])) as never;
  const given = new Set(read.flatMap(({ origin, setting }) => (origin === 'given' ? [setting.key] : [])));
  const completed = declaration.complete(settings, given, files);
  return {
    config: completed.problems.length > 0 ? undefined : completed.config,
    problems: completed.problems,
    warnings: [...others.warnings, ...doneInstead(declaration, raw, given), ...completed.warnings],
    secrets: [...secrets, ...completed.secrets],
  };
}

/** What somebody who knows another product's class would not expect. */
function doneInstead(declaration: AnyDeclaration, raw: RawConfig, given: ReadonlySet<string>): readonly string[] {
  const differing = own(declaration.instead ?? {}, raw['connector.class'] ?? '') ?? {};
  return Object.entries(differing).flatMap(([key, what]) => (given.has(key) ? [] : [`${key} ${what}`]));
}

/** What may be a password under a key that is not known, because it is misspelt. What a reference leads to there is never looked up. */
function strangeSecrets(declaration: AnyDeclaration, raw: RawConfig): readonly string[] {
  const known = knownKeys(declaration);
  const passwords = new Set(settingsOf(declaration).flatMap(([, { key, type }]) => (type === 'PASSWORD' ? [key] : [])));
  return Object.entries(raw).flatMap(([key, value]) => {
    if (isKnownKey(key, declaration) || hasReference(value)) return [];
    const isMeant = looksSecret(key) || passwords.has(nearest(key, known) ?? '');
    return [...(isMeant || looksGenerated(value) ? [value] : []), ...urlPasswords(value)];
  });
}

/** What is wrong with a key, told by its own words. */
export interface KeyProblem {
  readonly key: string;
  readonly message: string;
}

/** What is to be said of the keys that are no settings, and of older names that disagree with newer ones. */
export function judgeOtherKeys(
  declaration: AnyDeclaration,
  raw: RawConfig,
): { readonly problems: readonly KeyProblem[]; readonly warnings: readonly string[] } {
  const known = settingsOf(declaration).map(([, setting]) => setting.key);
  const prefixes = known.filter((key) => key.endsWith('*')).map((key) => key.slice(0, -1));
  const problems: KeyProblem[] = [...disagreements(declaration, raw)];
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(raw)) {
    if (known.includes(key) || Object.hasOwn(declaration.renamed, key) || FRAMEWORK_KEYS.has(key)) continue;
    if (own(declaration.harmless, key)?.includes(value) || prefixes.some((prefix) => key.startsWith(prefix))) continue;
    const refusal = reasonFor(key, declaration.unsupported);
    const ignored = reasonFor(key, declaration.ignored);
    if (ignored !== undefined) warnings.push(`${key} has no effect: ${ignored}`);
    else if (refusal === undefined) warnings.push(unknownKey(key, knownKeys(declaration)));
    else if (value !== '') problems.push({ key, message: `${key} is not supported: ${refusal}` });
  }
  return { problems, warnings };
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  return `${key} is not a known setting${guess === undefined ? '' : `; did you mean ${guess}?`}`;
}

function disagreements(declaration: AnyDeclaration, raw: RawConfig): readonly KeyProblem[] {
  const first = new Map<string, string>();
  const problems: KeyProblem[] = [];
  for (const key of Object.keys(raw)) {
    const now = currentName(key, declaration);
    const other = first.get(now);
    if (other === undefined) first.set(now, key);
    else if (raw[other] !== raw[key]) {
      problems.push({ key, message: `${key} and ${other} are one setting and must say the same` });
    }
  }
  return problems;
}
