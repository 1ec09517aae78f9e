import { type ConnectorFile, isSource } from '../../connector/load-file.ts';
import { describeError } from '../../errors.ts';
import type { OperatorAnswer } from '../rest/daemon-view.ts';
import { connectorOf, type ConnectorOffsets, type OperateContext } from './context.ts';
import { sinkOffsets } from './sink-offsets.ts';
import { sourceOffsets } from './source-offsets.ts';

/**
 * Where every connector stands, or one of them. `value` has, by name, what Connect answers for its offsets, and `rowcast` with what it has no
 * words for. What cannot be looked at is said in its place.
 */
export async function showOffsets(
  context: OperateContext,
  name: string | undefined,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const connectors = name === undefined ? context.connectors : [connectorOf(context, name)];
  const lines: string[] = [];
  const value: Record<string, unknown> = {};
  for (const connector of connectors) {
    lines.push(`${connector.name} (${isSource(connector) ? 'source' : 'sink'})`);
    try {
      const found = await offsetsOf(context, connector, signal);
      lines.push(...found.lines.map((line) => `  ${line}`));
      value[connector.name] = { offsets: found.offsets, ...(found.more && { rowcast: found.more }) };
    } catch (error) {
      if (signal.aborted) throw error;
      lines.push(`  cannot be looked at: ${describeError(error)}`);
      value[connector.name] = { offsets: [], error: describeError(error) };
    }
  }
  if (connectors.length === 0) lines.push('there are no connectors');
  return { lines, value };
}

async function offsetsOf(
  context: OperateContext,
  connector: ConnectorFile,
  signal: AbortSignal,
): Promise<ConnectorOffsets> {
  return isSource(connector)
    ? await sourceOffsets(context, connector, signal)
    : await sinkOffsets(context, connector, signal);
}
