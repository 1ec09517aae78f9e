import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import type { OperatorRequest } from '../worker/rest/daemon-view.ts';
import { print } from './offsets.ts';
import { findOperation } from './operation.ts';
import type { OperatorFlags } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';

export interface SnapshotOptions extends OperatorFlags {
  readonly where?: string;
  readonly blocking?: boolean;
  readonly stop?: boolean;
  readonly pause?: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

type Signal = Extract<OperatorRequest, { readonly kind: 'signal' }>;

/** Asks the daemon that runs a source to copy, and returns 0 when the request stands in the log; throws OperatorError with the reason when it cannot be met. */
export async function runSnapshot(
  name: string,
  tables: readonly string[],
  options: SnapshotOptions,
  env: Environment,
): Promise<number> {
  using stop = stopSignal();
  const request = signalOf(name, tables, options);
  const operation = await findOperation(options, env, stop.signal);
  print(await operation.carryOut(request), options.json === true);
  return 0;
}

/** What the command line asks for. Throws OperatorError when that is nothing, or two things. */
export function signalOf(name: string, tables: readonly string[], options: SnapshotOptions): Signal {
  const { where, blocking = false } = options;
  const verbs = (['stop', 'pause', 'resume'] as const).filter((each) => options[each] === true);
  const [verb] = verbs;
  if (verbs.length > 1 || (verb !== undefined && (where !== undefined || blocking))) {
    throw new OperatorError('A copy is asked for, or stopped, or paused, or resumed: only one of them', {
      advice: 'Give one of --stop, --pause and --resume, without --where and --blocking.',
    });
  }
  const signal = { kind: 'signal', connector: name } as const;
  if (verb === 'stop') return { ...signal, type: 'stop-snapshot', data: { 'data-collections': tables } };
  if (verb !== undefined) return { ...signal, type: `${verb}-snapshot`, data: {} };
  if (tables.length === 0) {
    throw new OperatorError('No table is named', {
      advice: 'Name the tables to copy: rowcast snapshot <name> public.orders',
    });
  }
  const conditions = tables.map((table) => ({ 'data-collection': table, filter: where }));
  return {
    ...signal,
    type: 'execute-snapshot',
    data: {
      type: blocking ? 'blocking' : 'incremental',
      'data-collections': tables,
      ...(where !== undefined && { 'additional-conditions': conditions }),
    },
  };
}
