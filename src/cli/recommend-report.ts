import type { Finding } from '../finding.ts';
import { CAPTURE_MODES, type ModeVerdict, type Recommendation } from '../worker/preflight/judge-capture.ts';

/** A recommendation for a person: the class to set, and below what stands in the way of each, with what mends it. */
export function renderRecommendation(title: string, { mode, verdicts }: Recommendation): string {
  const head =
    mode === undefined
      ? `${title}: no way of capture works as it is; mend what is named below, of the first that you can`
      : `${title}: "connector.class": "${mode}"`;
  return `${[head, ...verdicts.flatMap((verdict) => renderVerdict(verdict, verdict.mode === mode))].join('\n')}\n`;
}

function renderVerdict({ mode, obstacles, conditions }: ModeVerdict, isRecommended: boolean): readonly string[] {
  const sign = obstacles.length > 0 ? '✗' : '✓';
  const word = isRecommended ? ' (recommended)' : '';
  const lines = [`  ${sign} ${mode}${word}: ${CAPTURE_MODES[mode]}`];
  return [...lines, ...obstacles.flatMap(renderReason), ...conditions.flatMap(renderReason)];
}

function renderReason({ level, object, message, fix }: Finding): readonly string[] {
  const sign = level === 'unknown' ? '?' : '-';
  const lines = fix === undefined ? [] : fix.split('\n').map((line) => `          ${line}`);
  return [`      ${sign} ${object}: ${message}`, ...lines];
}
