import type { Resolved } from './reference.ts';
import type { Setting } from './setting.ts';

/** What stands for a secret wherever a config is shown. */
export const MASK = '********';

/** Also as people misspell them: what is hidden without need can be looked up in its file. */
const SECRET_NAME =
  /pas+w|pass(phrase|code)?([._-]|\d*$)|ps?wd?\d*([._-]|$)|secret|token|credential|jaas|user\.info|private|api[._-]?key|access[._-]?key|\.key$/i;

/** True when a name says that what it names is not to be shown. */
export function looksSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** True for a text that no name, number, address or path is made of: long, and of more kinds of characters than those have. */
export function looksGenerated(value: string): boolean {
  if (value.length < 8 || /\s/.test(value) || value.includes('://')) return false;
  return /[^\w.:/,-]/.test(value) || [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(value));
}

/**
 * The secrets in the value of a setting: the whole of it when the setting is a PASSWORD; what references lead to that are named like
 * a secret; the passwords in a URL. A host or a port stays readable, wherever it comes from.
 */
export function secretsIn(
  { type }: Pick<Setting<unknown>, 'type'>,
  value: string,
  resolved: readonly Resolved[],
): readonly string[] {
  const referred = resolved.filter((each) => looksSecret(each.name) && !each.value.includes('://'));
  const whole = type === 'PASSWORD' ? forms(value) : [];
  return [...whole, ...referred.flatMap((each) => forms(each.value)), ...urlPasswords(value)];
}

/** The passwords in the URLs of a text: before the host, or as a parameter; as written, and decoded. */
export function urlPasswords(text: string): readonly string[] {
  const found = [
    ...[...text.matchAll(/:\/\/[^/:@\s]*:(\S*)@/g)].map((match) => match[1] as string),
    ...[...text.matchAll(/[?&](?:ssl)?password=([^&\s]*)/gi)].map((match) => match[1] as string),
  ];
  return found.flatMap(forms);
}

/** The text with the passwords of its URLs masked. */
export function maskUrlPasswords(text: string): string {
  return text.replace(/(:\/\/[^/:@\s]*:)\S*@/g, `$1${MASK}@`).replace(/(password=)[^&\s]*/gi, `$1${MASK}`);
}

function forms(secret: string): readonly string[] {
  return [...new Set([secret, secret.trim(), decodedOrSame(secret)])].filter((each) => each !== '');
}

/** A percent-encoded text decoded; one that is not encoded as it is. */
export function decodedOrSame(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % sign: it was not encoded
  }
}
