import type { ConnectorFile } from '../connector/load-file.ts';
import { starting } from '../pipeline/stage.ts';
import { noCommits } from './counting-sink.ts';
import { type ConnectorStatus, NO_FAILURES } from './status.ts';

/** The status of a connector of which nothing was heard yet. */
export function initialStatus({ name, kind }: Pick<ConnectorFile, 'name' | 'kind'>, now: number): ConnectorStatus {
  const common = { name, state: 'starting', stage: starting(now), failure: undefined, failures: NO_FAILURES } as const;
  if (kind === 'PostgresSink') return { ...common, kind: 'sink', counts: noCommits(), lagMs: undefined };
  const progress = {
    state: 'starting',
    stage: common.stage,
    changes: 0,
    records: 0,
    bytes: 0,
    checkpoints: 0,
    position: undefined,
    committedAt: 0,
  } as const;
  return { ...common, kind: 'source', progress, counts: { transactions: 0, multiTableTransactions: 0 } };
}
