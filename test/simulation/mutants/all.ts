import { COPY_MUTANTS } from './copy.ts';
import { LOSS_MUTANTS } from './loss.ts';
import type { Mutant } from './mutant.ts';
import { OPERATOR_MUTANTS } from './operator.ts';
import { OWNERSHIP_MUTANTS } from './ownership.ts';
import { POLL_MUTANTS } from './polls.ts';
import { SINK_MUTANTS } from './sink.ts';
import { SOURCE_MUTANTS } from './source.ts';
import { STREAMING_MUTANTS } from './streaming.ts';

/** Every planted bug. */
export const MUTANTS: readonly Mutant[] = [
  ...SOURCE_MUTANTS,
  ...COPY_MUTANTS,
  ...OWNERSHIP_MUTANTS,
  ...SINK_MUTANTS,
  ...OPERATOR_MUTANTS,
  ...LOSS_MUTANTS,
  ...POLL_MUTANTS,
  ...STREAMING_MUTANTS,
];
