import type { DaemonClock } from './daemon-clock.ts';
import type { LogView } from './log-view.ts';
import type { Network } from './network.ts';
import type { CaptureProfile } from './profile.ts';
import type { Report } from './report.ts';
import type { Servers } from './servers.ts';
import type { Service } from './service.ts';
import type { Watcher } from './watcher.ts';
import type { Workload } from './workload.ts';

/** Everything that takes part in a run. */
export interface Stage {
  readonly profile: CaptureProfile;
  readonly servers: Servers;
  readonly service: Service;
  readonly workload: Workload;
  readonly watcher: Watcher;
  readonly log: LogView;
  /** The proxies before the servers, where the network is at fault too. */
  readonly network: Network | undefined;
  /** The service's own, where that is at fault too. */
  readonly daemonClock: DaemonClock | undefined;
  readonly report: Report;
  /** Aborts when the run is to end early. */
  readonly signal: AbortSignal;
}

/** Something ended or stands still, so that the run cannot go on. */
export class StandstillError extends Error {}

/** Throws when a connector gave up, or a part of the harness failed: waiting any longer is no use. */
export function assertAlive({ service, workload, watcher, signal }: Stage): void {
  signal.throwIfAborted();
  if (service.running?.gaveUp !== undefined)
    throw new StandstillError(`A connector gave up: ${service.running.gaveUp}`);
  if (workload.failure !== undefined) throw new StandstillError('The workload failed', { cause: workload.failure });
  if (watcher.failure !== undefined) throw new StandstillError('The watcher failed', { cause: watcher.failure });
}
