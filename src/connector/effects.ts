import type { Effect } from './setting.ts';

/** When a change takes effect, in words. */
export const EFFECT_WORDS: Readonly<Record<Effect, string>> = {
  restart: 'at once: the connector restarts by itself',
  'new topics': 'for topics that are created from then on',
  never: 'never: it names things that exist, and another value is another connector',
  daemon: 'when the daemon is started again',
};
