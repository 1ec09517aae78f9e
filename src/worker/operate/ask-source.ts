import { randomUUID } from 'node:crypto';
import { OperatorError, TransientError } from '../../errors.ts';
import type { ConnectorSet } from '../connectors/connector-set.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';

/**
 * Asks a source that runs for what a signal of that type and data says. The answer comes when it stands in the log, so that neither a kill nor a restart
 * loses it; a copy goes on behind it. Throws OperatorError when it cannot be done.
 */
export async function askSource(
  set: Pick<ConnectorSet, 'task'>,
  { connector, type, data }: Extract<OperatorRequest, { readonly kind: 'signal' }>,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const task = set.task(connector);
  if (task === undefined) {
    throw new OperatorError(`Connector "${connector}" does not run`, { advice: 'See `rowcast status` for why.' });
  }
  const id = randomUUID();
  await orAborted(task.ask({ id: undefined, type, data, place: `rest:${id}` }), signal);
  return { lines: [`${connector}: ${TOLD[type]} (${id})`], value: { connector, id, type } };
}

const TOLD = {
  'execute-snapshot': 'the copy is asked for and begins as soon as it can; `rowcast status` shows how far it is',
  'stop-snapshot': 'the copy is given up',
  'pause-snapshot': 'copies pause',
  'resume-snapshot': 'copies go on',
  'sync-sequences':
    'the log has where its sequences stand, and a sink has brought them there when `rowcast offsets` says that it has applied everything',
} as const;

async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const leave = (): void => reject(new TransientError('The answer was not waited for: ask for the status'));
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true, signal: over.signal });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    over.abort();
  }
}
