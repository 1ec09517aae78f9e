import type { Connector, Details, Health } from './answers.ts';

export type Tone = 'good' | 'busy' | 'bad' | 'off';

/** How urgent a connector's state is. */
export function toneOf({ status: { connector, rowcast } }: Connector): Tone {
  switch (connector.state) {
    case 'FAILED':
      return 'bad';
    case 'RESTARTING':
    case 'UNASSIGNED':
      return 'busy';
    case 'PAUSED':
    case 'STOPPED':
      return 'off';
    case 'RUNNING':
      return rowcast.problems.length > 0 ? 'busy' : 'good';
  }
}

/** The state with what Connect's word leaves open. */
export function stateInWords({ status: { connector } }: Connector): string {
  return connector.state === 'RESTARTING' ? 'RESTARTING (tries again by itself)' : connector.state;
}

export function healthTone({ status }: Health): Tone {
  const tones = { starting: 'busy', healthy: 'good', degraded: 'busy', unhealthy: 'bad' } as const;
  return tones[status];
}

/** Rows that a source has sent, or a sink has applied, since the process started. */
export function rowsOf({ counters = {} }: Details): number {
  if (counters['changes'] !== undefined) return counters['changes'];
  const { copied = 0, inserts = 0, updates = 0, deletes = 0, key_changes = 0 } = counters;
  return copied + inserts + updates + deletes + key_changes;
}

/** A sink's lag, and for a source how long ago what it sent last was committed. */
export function lagOf({ lag_ms, committed_at }: Details, now: number): number | undefined {
  if (lag_ms !== undefined) return lag_ms ?? undefined;
  return committed_at === null || committed_at === undefined ? undefined : Math.max(0, now - committed_at);
}
