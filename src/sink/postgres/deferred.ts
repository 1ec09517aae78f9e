import type { Session } from './session.ts';

/** Checks deferred constraints now: tables with outstanding checks cannot be altered or truncated. */
export async function checkDeferred(session: Session, signal: AbortSignal): Promise<void> {
  if (session.isReplica) return;
  const sql = /* sql */ `set constraints all immediate; set constraints all deferred`;
  await session.run(sql, 'Cannot check the deferred constraints of the target', signal);
}
