import { Findings, type Finding } from '../../../finding.ts';
import { type DdlSetup, disabledTriggers, INSTALL_AGAIN, staleSetup } from '../ddl/ddl-setup.ts';

/** Judges the set-up of DDL replication; says nothing where there is none. */
export function judgeDdl(setup: DdlSetup | undefined, connector: string, database: string): readonly Finding[] {
  const found = new Findings();
  if (setup === undefined) return found.all;
  const object = `database ${database}`;
  const fix = `${INSTALL_AGAIN} ${connector}`;
  if (setup.isStale) found.problem('ddl', object, `${staleSetup()}.`, fix);
  if (setup.disabled.length > 0) found.warning('ddl', object, `${disabledTriggers(setup.disabled)}.`, fix);
  if (found.isOk('ddl')) found.ok('ddl', object, 'DDL is recorded, for replicas to follow.');
  return found.all;
}
