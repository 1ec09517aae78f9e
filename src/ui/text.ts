/** Numbers as people read them. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** `12,345`. */
export function whole(value: number): string {
  return WHOLE.format(value);
}

/** A rate: `12.3K/s`. */
export function perSecond(value: number): string {
  return `${value < 10 ? Math.round(value * 10) / 10 : SHORT.format(value)}/s`;
}

/** `3 ms`, `1.2 s`, `4 min`, `2 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 360_000) / 10} h`;
}
