import { RefusedError } from '../../errors.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { applicationName, type Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';

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

/** The owner as it stands with progress. */
export function storedOwner(owner: OwnerName | undefined, epoch: number, session: Session): StoredOwner | undefined {
  return owner && { ...owner, epoch, backend: session.backend };
}

/**
 * Throws RefusedError while the process that has replaced this one holds its session: whoever claims all the same is replaced in turn, and so on for ever. One that
 * is gone, or has left no name, is in nobody's way. A new start of the connector does not ask.
 */
export async function assertSuccessorGone(
  session: Session,
  settings: Pick<ResolvedSinkSettings, 'name' | 'prefix'>,
  match: string,
  own: OwnerName | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { name } = settings;
  const application = quoteLiteral(applicationName(settings));
  const [found] = await session.run(
    /* sql */ `select p.state->'owner' from rowcast.progress p
      join pg_catalog.pg_stat_activity a on a.pid = (p.state->'owner'->>'backend')::int and a.application_name = ${application}
      where ${match} and (p.state->'owner'->>'epoch')::bigint = p.epoch`,
    'Cannot see who owns the target',
    signal,
  );
  const owner = found?.rows[0]?.[0];
  if (owner === undefined || owner === null) return;
  const { host, pid, started, daemon, backend } = JSON.parse(owner) as StoredOwner;
  // A session of ours that the server has not missed yet.
  if (own?.daemon === daemon && own.host === host && own.pid === pid && own.started === started) return;
  throw new RefusedError(
    `Connector "${name}" runs in another process too, which has taken the target over: process ${pid} on ${host}, started ${started} (daemon ${daemon})`,
    {
      advice:
        `Two daemons have a sink of this name for the same target: stop one of them. This one goes on by itself when the other has ended; \`rowcast restart ${name}\` ` +
        `here takes the target back. If that process is gone, end its session there: select pg_terminate_backend(${backend});`,
    },
  );
}
