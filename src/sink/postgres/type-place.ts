import type { Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';
import type { Warn } from './warn.ts';

/** What types are made with. */
export interface TypePlace {
  readonly session: Session;
  readonly settings: ResolvedSinkSettings;
  readonly warn: Warn;
  readonly signal: AbortSignal;
}
