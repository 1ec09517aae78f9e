import type { Stage } from '../../pipeline/stage.ts';
import { inBytes } from '../../source/wal/watch/slot-words.ts';
import type { SlotView } from '../slots/slot-view.ts';
import type { ConnectorView } from './daemon-view.ts';

/** `degraded`: everything runs, but not as the files say now, or a slot keeps so much WAL that somebody should look. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** One connector's health. `stage` is where it stands when it is not well. */
export interface ConnectorHealth {
  readonly name: string;
  readonly status: HealthStatus;
  readonly stage: string | undefined;
  /** Why it is not healthy. */
  readonly message: string | undefined;
}

/** The health of all connectors together: that of the worst. */
export interface Health {
  readonly status: HealthStatus;
  readonly message: string;
  readonly connectors: readonly ConnectorHealth[];
}

/**
 * Judges by progress, not by whether the process is there: a connector is unhealthy that has failed or never ran, that has been tried again for
 * longer than `stallTimeoutMs`, or stands longer than that at a stage that waits for nobody (a thread that does not respond is such a stage).
 * `failing` says for how long connectors fail again and again, or wait to be started, in milliseconds.
 */
export function judge(
  connectors: readonly ConnectorView[],
  now: number,
  stallTimeoutMs: number,
  failing: ReadonlyMap<string, number> = new Map(),
): Health {
  const judged = connectors.map((each) => judgeOne(each, now, stallTimeoutMs, failing.get(each.name) ?? 0));
  const unhealthy = judged.filter(({ status }) => status === 'unhealthy');
  const unwell = unhealthy.length > 0 ? unhealthy : judged.filter(({ status }) => status === 'degraded');
  return {
    status: unwell[0]?.status ?? 'healthy',
    message:
      unwell.map(({ name, message }) => `Connector ${name} ${message}`).join('; ') || 'All connectors make progress',
    connectors: judged,
  };
}

function judgeOne(
  { name, status, problems, isDeleted, rests, halted, slot }: ConnectorView,
  now: number,
  stallTimeoutMs: number,
  failingMs: number,
): ConnectorHealth {
  const verdict = (of: HealthStatus, message: string): ConnectorHealth => {
    return { name, status: of, stage: status?.stage.name, message };
  };
  if (isDeleted) return healthy(name);
  if (rests !== undefined) {
    if (halted !== undefined) {
      return {
        ...verdict('degraded', `is ${rests.toLowerCase()}, and cannot go on: ${halted.message}`),
        stage: undefined,
      };
    }
    const problem = problems.length > 0 ? `has a file that cannot be used: ${problems.join('; ')}` : undefined;
    const concern =
      slot?.concern === undefined ? problem : `is ${rests.toLowerCase()}, and needs a look: ${slot.concern}`;
    return concern === undefined ? healthy(name) : { ...verdict('degraded', concern), stage: undefined };
  }
  if (status === undefined) {
    if (problems.length > 0) return verdict('unhealthy', `does not run: ${problems.join('; ')}`);
    if (failingMs > stallTimeoutMs) return verdict('unhealthy', `has not been started for ${inSeconds(failingMs)}`);
    return healthy(name);
  }
  const { state, stage, failure } = status;
  const at = stage.name === state ? '' : ` at "${stage.name}"`; // what has failed, or waits to be tried again, is at no stage
  if (state === 'failed') return verdict('unhealthy', `has failed${at}: ${failure?.message ?? 'unknown'}`);
  if (failingMs > stallTimeoutMs) {
    const why = failure === undefined ? '' : `: ${failure.message}`;
    return verdict('unhealthy', `has been failing for ${inSeconds(failingMs)}${at}${why}`);
  }
  if (isRunning(state) && isStalled(stage, now, stallTimeoutMs)) {
    return verdict('unhealthy', `has been at "${stage.name}" for ${inSeconds(now - stage.since)}`);
  }
  const unread = state === 'streaming' && stage.isWaiting ? unreadFor(slot, now, stallTimeoutMs) : undefined;
  if (unread !== undefined) return { ...unread, name, stage: 'reading' };
  if (slot?.concern !== undefined) return verdict('degraded', `needs a look: ${slot.concern}`);
  if (problems.length > 0) return verdict('degraded', `runs an earlier configuration: ${problems.join('; ')}`);
  return healthy(name);
}

function healthy(name: string): ConnectorHealth {
  return { name, status: 'healthy', stage: undefined, message: undefined };
}

/**
 * A source that waits for changes while WAL waits for it: the server may still be decoding a large transaction, but what it has sent or wants to
 * send and nobody takes is a stalled stage.
 */
function unreadFor(
  slot: SlotView | undefined,
  now: number,
  stallTimeoutMs: number,
): Pick<ConnectorHealth, 'status' | 'message'> | undefined {
  if (slot?.standsSince === undefined || now - slot.standsSince <= stallTimeoutMs) return undefined;
  const { holder, unconfirmedBytes = 0 } = slot.finding;
  return {
    status: holder?.kind === 'us' ? 'unhealthy' : 'degraded',
    message: `has read nothing for ${inSeconds(now - slot.standsSince)}, though ${inBytes(unconfirmedBytes)} of WAL wait`,
  };
}

/** True when the stage waits for nobody and has stood for longer than the timeout. */
function isStalled(stage: Stage, now: number, stallTimeoutMs: number): boolean {
  return !stage.isWaiting && now - stage.since > stallTimeoutMs;
}

/** While it is tried again the stage is that of the last try, and a stopped one has none. */
function isRunning(state: string): boolean {
  return state === 'starting' || state === 'snapshot' || state === 'streaming';
}

function inSeconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}
