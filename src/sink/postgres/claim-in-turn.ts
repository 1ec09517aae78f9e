import { RefusedError } from '../../errors.ts';
import type { Ownership } from '../sink.ts';

/** A process as people find it. */
export interface OwnerName {
  readonly daemon: string;
  readonly host: string;
  readonly pid: number;
  /** When the process began, as ISO 8601 has it. */
  readonly started: string;
}

/** Who owns the target, in the progress row: under which epoch, and by which process of the server. */
export interface StoredOwner extends OwnerName {
  readonly epoch: number;
  readonly backend: number;
}

/** What a sink connector remembers from one run to the next. */
export interface SinkLife {
  /** Stored for others; undefined: this process stays without a name. */
  readonly owner?: OwnerName | undefined;
  /** It has claimed the target: whatever cost it its session may have been another process that did. */
  hasClaimed: boolean;
}

/** What a claim asks of the target. */
export interface Claimable {
  /** Who owns the target, as long as the server has that one's session; undefined for one that has left no name. */
  owner(): Promise<StoredOwner | undefined>;
  /** Raises the epoch and reads progress. */
  claim(): Promise<Ownership>;
}

/**
 * Claims the target for connector `name`. Throws RefusedError while the process that has replaced this one holds its session: whoever claims all the same is replaced in
 * turn, and so on for ever (V8). One that is gone, or has left no name, is in nobody's way. A new start of the connector does not ask.
 */
export async function claimInTurn(name: string, life: SinkLife, target: Claimable): Promise<Ownership> {
  if (life.hasClaimed) {
    const owner = await target.owner();
    if (owner !== undefined && !isSameProcess(owner, life.owner)) throw replacedBy(owner, name);
  }
  const owned = await target.claim();
  life.hasClaimed = true;
  return owned;
}

/** A session of ours that the server has not missed yet is no successor's. */
function isSameProcess(owner: OwnerName, own: OwnerName | undefined): boolean {
  return (
    own?.daemon === owner.daemon && own.host === owner.host && own.pid === owner.pid && own.started === owner.started
  );
}

function replacedBy({ pid, host, started, daemon, backend }: StoredOwner, name: string): RefusedError {
  return new RefusedError(
    `Connector "${name}" runs in another process too, which has taken the target over: process ${pid} on ${host}, started ${started} (daemon ${daemon})`,
    {
      advice:
        `Two daemons have a sink of this name for the same target: stop one of them. This one goes on by itself when the other has ended; \`rowcast restart ${name}\` ` +
        `here takes the target back. If that process is gone, end its session there: select pg_terminate_backend(${backend});`,
    },
  );
}
