import type { Environment } from '../connector/reference.ts';
import type { OperatorAnswer, OperatorRequest } from '../worker/rest/daemon-view.ts';
import { confirm } from './confirm.ts';
import { findOperation, type Subject } from './operation.ts';
import type { OperatorFlags } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';

export interface OffsetsOptions extends OperatorFlags {
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Shows or changes offsets, through the daemon when one runs on the state directory, else on the log itself. 1 when something could not be looked at. */
export async function runOffsets(request: OperatorRequest, options: OffsetsOptions, env: Environment): Promise<number> {
  using stop = stopSignal();
  const operation = await findOperation(options, env, stop.signal);
  if (request.kind !== 'offsets') {
    const subject = await operation.subject(request.connector);
    // Of one that there is not the daemon says so: nothing is to be confirmed.
    if (subject !== undefined)
      await confirm(planOf(request.kind, request.connector, subject), options.yes === true, stop.signal);
  }
  const answer = await operation.carryOut(request);
  print(answer, options.json === true);
  return request.kind === 'offsets' && hasErrors(answer) ? 1 : 0;
}

function planOf(kind: OperatorRequest['kind'], name: string, subject: Subject): readonly string[] {
  if (kind === 'accept') return [`The server, publication and slot of ${name} as they are now will be accepted.`];
  if (subject.kind === 'sink') {
    return [`The progress of ${name} will be forgotten: its next start replays the log from its beginning.`];
  }
  return [
    `The position of ${name} will be made void and its slot${named(subject.slot)} dropped:`,
    'its next start copies every captured table again, and its sinks empty and fill theirs.',
  ];
}

/** An object's name in quotes, behind a blank; nothing when it is not known. */
export function named(name: string | undefined): string {
  return name === undefined ? '' : ` "${name}"`;
}

function hasErrors({ value }: OperatorAnswer): boolean {
  const entries = Object.values(value as Readonly<Record<string, { readonly error?: string }>>);
  return entries.some(({ error }) => error !== undefined);
}

/** Lines for a person, or one JSON document for a program. */
export function print({ lines, value }: OperatorAnswer, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(value, undefined, 2)}\n` : `${lines.join('\n')}\n`);
}
