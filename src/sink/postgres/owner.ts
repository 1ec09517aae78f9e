import { quoteLiteral } from '../../postgres/identifier.ts';
import type { OwnerName, StoredOwner } from './claim-in-turn.ts';
import { keyOf } from './progress.ts';
import { applicationName, type Session } from './session.ts';
import type { ResolvedSinkSettings } from './settings.ts';

/** The owner as it stands with progress. */
export function storedOwner(owner: OwnerName | undefined, epoch: number, session: Session): StoredOwner | undefined {
  return owner && { ...owner, epoch, backend: session.backend };
}

/** Who owns the target, if the server has that process's session; undefined as well for one that has left no name with the present epoch. */
export async function livingOwner(
  session: Session,
  settings: Pick<ResolvedSinkSettings, 'name' | 'prefix'>,
  signal: AbortSignal,
): Promise<StoredOwner | undefined> {
  const application = quoteLiteral(applicationName(settings));
  const [found] = await session.run(
    /* sql */ `select p.state->'owner' from rowcast.progress p
      join pg_catalog.pg_stat_activity a on a.pid = (p.state->'owner'->>'backend')::int and a.application_name = ${application}
      where ${keyOf(settings).match} and (p.state->'owner'->>'epoch')::bigint = p.epoch`,
    'Cannot see who owns the target',
    signal,
  );
  const owner = found?.rows[0]?.[0];
  return owner === undefined || owner === null ? undefined : (JSON.parse(owner) as StoredOwner);
}
