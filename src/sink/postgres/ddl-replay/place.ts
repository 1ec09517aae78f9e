import type { DdlCommand } from '../../../change/ddl.ts';
import { postgresError } from '../../../postgres/errors.ts';
import type { Session } from '../session.ts';
import type { ResolvedSinkSettings } from '../settings.ts';
import type { Tables } from '../tables.ts';
import type { Warn } from '../warn.ts';

/** What the replay of a statement works with. */
export interface ReplayPlace {
  readonly session: Session;
  readonly settings: ResolvedSinkSettings;
  readonly tables: Tables;
  readonly ddl: DdlCommand;
  readonly warn: Warn;
  readonly signal: AbortSignal;
}

/** Runs one statement; an error names the source's statement and the object. */
export async function execute({ session, ddl }: ReplayPlace, object: string, sql: string): Promise<void> {
  try {
    await session.single(sql);
  } catch (error) {
    throw postgresError(error, `Cannot replay ${ddl.tag} of ${object} on the target`);
  }
}
