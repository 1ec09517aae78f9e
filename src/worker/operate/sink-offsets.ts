import { sinkConnection } from '../../connector/connection-of.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { checkpointsTopic } from '../../log/protocol/topics.ts';
import type { History } from '../../pipeline/ledger.ts';
import { readStoredProgress } from '../../sink/postgres/stored-progress.ts';
import type { Progress } from '../../sink/sink.ts';
import { replayedPrefix } from '../settings.ts';
import { onDatabase } from './connections.ts';
import type { ConnectorOffsets, OperateContext } from './context.ts';
import { historyOf } from './source-offsets.ts';
import { positionText, timeText } from './text.ts';

export type SinkFile = Extract<ConnectorFile, { kind: 'PostgresSink' }>;

/** What the sink has applied, and how far the log is beyond. */
export async function sinkOffsets(
  { log }: OperateContext,
  connector: SinkFile,
  signal: AbortSignal,
): Promise<ConnectorOffsets> {
  const key = { name: connector.name, prefix: replayedPrefix(connector.config) };
  const stored = await onDatabase(sinkConnection(connector.config), signal, (client) =>
    readStoredProgress(client, key),
  );
  const history = await historyOf(log, key.prefix, signal);
  const progress = stored?.progress;
  if (progress === undefined) {
    const why = stored === undefined ? 'has never started' : 'has applied nothing';
    return { offsets: [], lines: [`target  ${why}`, ...behindLines(undefined, history)] };
  }
  const { checkpointOffset, position, number, consistent, partial = [] } = progress;
  const topic = checkpointsTopic(key.prefix);
  const copying = consistent ? '' : ', the first copy is not finished';
  return {
    offsets: [
      {
        partition: { kafka_topic: topic, kafka_partition: 0 },
        offset: { kafka_offset: checkpointOffset + 1, position, checkpoint: number, behind: behind(progress, history) },
      },
    ],
    lines: [
      `target  ${positionText(position)} at checkpoint ${number} (${topic}, offset ${checkpointOffset})${copying}`,
      ...(partial.length > 0 ? [`        lacks rows until they are copied: ${partial.join(', ')}`] : []),
      `        written at ${timeText(stored?.updatedAt ?? 0)}, epoch ${stored?.epoch}`,
      ...behindLines(progress, history),
    ],
  };
}

/** Checkpoints that are stored and not applied; they are numbered through. */
function behind(progress: Progress | undefined, history: History | undefined): number {
  return (history?.checkpoint?.number ?? -1) - (progress?.number ?? -1);
}

function behindLines(progress: Progress | undefined, history: History | undefined): string[] {
  const checkpoint = history?.checkpoint;
  if (checkpoint === undefined) return ['log     has no checkpoint: its source has not started'];
  const count = behind(progress, history);
  const { position, offset, committedAt } = checkpoint;
  const applied = count === 0 ? 'everything is applied' : `${count} checkpoint${count === 1 ? '' : 's'} behind`;
  const last = committedAt > 0 ? `, its last transaction was committed at ${timeText(committedAt)}` : '';
  return [`log     ends with ${positionText(position)} (offset ${offset}): ${applied}${last}`];
}
