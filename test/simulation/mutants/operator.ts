import type { Mutant } from './mutant.ts';

const SINK = 'src/pipeline/sink-loop.ts';
const RESET = 'src/pipeline/reset.ts';

/** Bugs in what an operator's reset writes, and in how a sink takes it. */
export const OPERATOR_MUTANTS: readonly Mutant[] = [
  {
    name: 'O4-reset-committed-with-the-copy',
    seed: 35,
    why: 'the copy finds a target that is still called consistent, and leaves ghosts in it',
    patches: [
      {
        file: SINK,
        find: 'return !checkpoint.consistent && (before ?? this.#owned.progress)?.consistent === true;',
        replace: 'return false && before === undefined;',
      },
    ],
  },
  {
    name: 'O5-reset-in-its-own-name',
    seed: 15,
    why: 'everybody is refused for an owner that will never come back',
    patches: [{ file: RESET, find: '{ ...owner, nonce:', replace: "{ ...owner, daemon: 'operator', nonce:" }],
  },
  {
    name: 'O6-reset-not-read-back',
    seed: 90,
    why: 'what was stored while the operator looked is not what the reset follows',
    patches: [
      {
        file: RESET,
        find: 'const history = await readHistory(log, prefix, offset, signal);',
        replace: 'const history = before;',
      },
    ],
  },
  {
    name: 'O7-reset-promises-the-old-slot',
    seed: 25,
    why: 'the next start finds a slot that no claim was going to make, and stops',
    patches: [{ file: RESET, find: 'slot, creating: true }', replace: 'slot, creating: false }' }],
  },
];
