/** Stands in the place of a secret. */
export const MASK = '********';

/** Shorter secrets are part of too many ordinary words: masking them would hide everything and tell the secret. */
const SHORTEST = 4;

/** A fragment of base64 this long does not turn up in other text by chance. */
const SHORTEST_BASE64 = 8;

/**
 * Knows the secrets of this process and takes them out of texts: belt and braces for Invariant 11. Nothing relies on it, every message is
 * written without secrets; what a server or a library puts into its errors is caught here.
 */
export interface Redactor {
  /** Remembers secret values from now on; also those of earlier configurations stay secret. Shorter ones than 4 characters are left out. */
  add(secrets: Iterable<string>): void;
  /** The text with every secret replaced by `********`: as it is, JSON-escaped, URL-encoded, or inside base64 (`user:password` of a header). */
  redact(text: string): string;
}

/** A redactor that knows no secret yet. */
export function createRedactor(): Redactor {
  const known = new Set<string>();
  let forms: readonly string[] = [];
  let pattern: RegExp | undefined;
  return {
    add(secrets) {
      const before = known.size;
      for (const secret of secrets) for (const form of formsOf(secret)) known.add(form);
      if (known.size === before) return;
      forms = [...known];
      pattern = new RegExp(forms.map(escape).join('|'));
    },
    redact(text) {
      let redacted = text;
      // Again and again, because a secret that begins with an asterisk may arise from a mask and what follows it. Every round takes away
      // at least one character that is no asterisk, so it ends.
      while (pattern?.test(redacted)) redacted = mask(redacted, forms);
      return redacted;
    },
  };
}

function formsOf(secret: string): readonly string[] {
  if (secret.length < SHORTEST || /^\**$/.test(secret)) return [];
  const encoded = encodeURIComponent(Buffer.from(secret).toString()); // well-formed: a lone surrogate cannot be encoded
  const password = secret.slice(secret.indexOf(':') + 1);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encoded,
    encoded.replace(/%../g, (hex) => hex.toLowerCase()),
    encoded.replaceAll('%20', '+'),
    ...base64Forms(secret),
    ...(password === secret ? [] : formsOf(password)),
  ];
}

/** The characters that the secret becomes inside a base64 text, at each of the three places where it may begin in a group. */
function base64Forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const forms: string[] = [];
  for (let before = 0; before < 3; before++) {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    // Only characters whose six bits are the secret's alone.
    const first = Math.ceil((before * 8) / 6);
    const end = Math.floor((whole.length * 8) / 6);
    for (const alphabet of ['base64', 'base64url'] as const) {
      const fragment = whole.toString(alphabet).slice(first, end);
      if (fragment.length >= SHORTEST_BASE64) forms.push(fragment);
    }
  }
  return forms;
}

/** Replaces whatever any form covers; forms that overlap become one mask, so that no half of a secret stays. */
function mask(text: string, forms: readonly string[]): string {
  const spans = forms.flatMap((form) => spansOf(text, form)).sort((a, b) => a.start - b.start);
  let redacted = '';
  let end = 0;
  for (const span of spans) {
    if (span.start >= end) redacted += text.slice(end, span.start) + MASK;
    end = Math.max(end, span.end);
  }
  return redacted + text.slice(end);
}

function spansOf(text: string, form: string): { readonly start: number; readonly end: number }[] {
  const spans = [];
  for (let start = text.indexOf(form); start >= 0; start = text.indexOf(form, start + 1)) {
    spans.push({ start, end: start + form.length });
  }
  return spans;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
