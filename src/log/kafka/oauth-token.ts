import type { Clock } from '../../clock.ts';
import { askForToken, type OAuthClient } from './token-endpoint.ts';

/** A token as kafkajs sends it. */
export interface OAuthToken {
  readonly value: string;
  /** What the broker is told beside it. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** Of its lifetime a token is used this much: the clocks of endpoint and brokers differ, and a connection takes a while to open. */
const USED_SHARE = 0.8;

/**
 * Tokens for every connection of one client: asked for when one is needed, and used until shortly before they expire. Who needs one while it
 * is asked for waits for the same answer. A failure is not remembered; it is an OperatorError or a TransientError.
 */
export function oauthTokens(client: OAuthClient, clock: Pick<Clock, 'now' | 'monotonic'>): () => Promise<OAuthToken> {
  const { extensions } = client;
  let known: { readonly value: string; readonly at: Moment; readonly usedMs: number } | undefined;
  let asking: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    const at = momentOf(clock);
    const { value, lifetimeMs } = await askForToken(client, at.now);
    known = { value, at, usedMs: lifetimeMs * USED_SHARE };
    return value;
  };
  return async () => {
    if (known !== undefined && ageMs(known.at, clock) < known.usedMs) return { value: known.value, extensions };
    asking ??= renew().finally(() => {
      asking = undefined;
    });
    return { value: await asking, extensions };
  };
}

interface Moment {
  readonly now: number;
  readonly monotonic: number;
}

function momentOf(clock: Pick<Clock, 'now' | 'monotonic'>): Moment {
  return { now: clock.now(), monotonic: clock.monotonic() };
}

/** By the clock that went further: one may be set back, and the other stands while the machine sleeps. */
function ageMs(since: Moment, clock: Pick<Clock, 'now' | 'monotonic'>): number {
  const { now, monotonic } = momentOf(clock);
  return Math.max(now - since.now, monotonic - since.monotonic);
}
