import type { Effect } from './setting.ts';

/** When a change takes effect, in a sentence. */
export const EFFECT_WORDS: Readonly<Record<Effect, string>> = {
  restart: 'A change takes effect at once: the connector restarts by itself.',
  'new topics': 'A change takes effect for topics that are created from then on.',
  never: 'Never change it: it names things that exist, and another value makes another connector.',
  daemon: 'A change takes effect when the daemon is started again.',
};
