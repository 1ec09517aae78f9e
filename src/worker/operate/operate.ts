import { OperatorError } from '../../errors.ts';
import type { OperatorAnswer, OperatorRequest } from '../rest/daemon-view.ts';
import { accept } from './accept.ts';
import { connectorOf, type OperateContext } from './context.ts';
import { deleteConnector } from './delete.ts';
import { showOffsets } from './offsets.ts';
import { reset } from './reset.ts';

/**
 * Carries out an operator's request. The connector that it changes does not run meanwhile: whoever calls has stopped it, and starts it
 * again. Every request can be repeated. Throws OperatorError, or TransientError for what passes by itself.
 */
export async function operate(
  context: OperateContext,
  request: OperatorRequest,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const { kind, connector } = request;
  switch (kind) {
    case 'offsets':
      return await showOffsets(context, connector, signal);
    case 'accept':
      return await accept(context, connectorOf(context, connector), request.fromNow === true, signal);
    case 'reset':
      return await reset(context, connectorOf(context, connector), signal);
    case 'delete':
      return await deleteConnector(context, request, signal);
    case 'signal':
      throw new OperatorError(`Connector "${connector}" does not run here: only the daemon that runs it can be asked`, {
        advice: 'Start the daemon, or name the state directory of the one that runs with --state.',
      });
    default:
      return kind satisfies never;
  }
}
