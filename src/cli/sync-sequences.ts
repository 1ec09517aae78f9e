import type { Environment } from '../connector/reference.ts';
import { print } from './offsets.ts';
import { findOperation } from './operation.ts';
import type { OperatorFlags } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';

export interface SyncSequencesOptions extends OperatorFlags {
  readonly json?: boolean;
}

/** Asks the daemon that runs a source for the states of its sequences, and returns 0 when the log has them; throws OperatorError with the reason when it cannot. */
export async function runSyncSequences(name: string, options: SyncSequencesOptions, env: Environment): Promise<number> {
  using stop = stopSignal();
  const operation = await findOperation(options, env, stop.signal);
  const answer = await operation.carryOut({ kind: 'signal', connector: name, type: 'sync-sequences', data: {} });
  print(answer, options.json === true);
  return 0;
}
