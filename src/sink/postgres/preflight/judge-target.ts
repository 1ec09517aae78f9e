import { Findings, type Finding } from '../../../finding.ts';
import { quoteIdentifier } from '../../../postgres/identifier.ts';
import type { ResolvedSinkSettings } from '../settings.ts';
import type { SourceView } from './source-view.ts';
import type { TargetServer } from './target-facts.ts';

/** Whether a daemon of ours is known to run. */
export interface SessionFacts {
  readonly isRunning: boolean;
}

/** Judges the target's server and database, before any table: version, rights, progress, and that it is not the source. */
export function judgeTarget(
  target: TargetServer,
  given: SessionFacts,
  settings: ResolvedSinkSettings,
  source: SourceView | undefined,
  object: string,
): readonly Finding[] {
  const found = new Findings();
  judgeServer(target, given, settings, found, object);
  judgeLoop(target, settings, source, found);
  judgeProgress(target, settings, found);
  judgeReplicaRole(target, settings, found);
  judgeText(target, settings, source, found);
  return found.all;
}

function judgeServer(
  { version, isStandby, sessions }: TargetServer,
  { isRunning }: SessionFacts,
  { name }: ResolvedSinkSettings,
  found: Findings,
  object: string,
): void {
  const major = Math.floor(version / 10_000);
  if (major < 14)
    found.problem(
      'version',
      object,
      `It is Postgres ${major}; 14 or newer is needed.`,
      'pg_upgrade to version 14 or newer.',
    );
  else found.ok('version', object, `Postgres ${major}.`);
  if (isStandby) {
    found.problem(
      'read-only',
      object,
      'It is a standby: nothing can be written.',
      'Set connection.url to the primary, or on this server: select pg_promote();',
    );
  }
  if (sessions.length === 0) return;
  const own = `connector ${name}`;
  if (isRunning) return found.ok('owner', own, `It runs (process ${sessions.join(', ')} of the target).`);
  found.warning(
    'owner',
    own,
    `It runs already, in another daemon: process ${sessions.join(', ')} of the target is its session. A second one takes it over, and that one tries again.`,
    /* sql */ `select pg_terminate_backend(${sessions[0]}); -- if that one is gone for good`,
  );
}

function judgeLoop(
  { instance }: TargetServer,
  { connection }: ResolvedSinkSettings,
  source: SourceView | undefined,
  found: Findings,
): void {
  const object = `database ${connection.database}`;
  if (source?.database === undefined) return;
  if (source.database !== instance) {
    return found.ok('loop', object, 'It is not the database that the changes come from.');
  }
  found.problem(
    'loop',
    object,
    'It is the database that the changes come from: they would come back for ever.',
    `create database ${quoteIdentifier(`${connection.database}_replica`)}; -- and name it in connection.url`,
  );
}

function judgeProgress(
  { progress, mayCreate }: TargetServer,
  { connection }: ResolvedSinkSettings,
  found: Findings,
): void {
  const role = quoteIdentifier(connection.user);
  const object = 'schema rowcast';
  if (!progress.hasSchema) {
    if (mayCreate) return found.ok('progress', object, 'It does not exist and will be created.');
    const message = `It does not exist, and role ${connection.user} may not create it in database ${connection.database}.`;
    return found.problem('progress', object, message, /* sql */ `create schema rowcast authorization ${role};`);
  }
  if (!progress.mayUse) {
    found.problem(
      'progress',
      object,
      `Role ${connection.user} may not use it.`,
      /* sql */ `grant usage on schema rowcast to ${role};`,
    );
  }
  const names = progress.tables.map(({ name }) => name);
  if (names.length < 2 && !progress.mayCreate) {
    found.problem(
      'progress',
      object,
      `Role ${connection.user} may not create its tables there.`,
      /* sql */ `grant usage, create on schema rowcast to ${role};`,
    );
  }
  for (const { name, lacks } of progress.tables) {
    if (lacks.length === 0) continue;
    const grant = /* sql */ `grant ${lacks.join(', ')} on rowcast.${name} to ${role};`;
    found.problem('progress', `table rowcast.${name}`, `Role ${connection.user} lacks ${lacks.join(', ')}.`, grant);
  }
  if (found.isOk('progress')) found.ok('progress', object, 'The role may keep its progress there.');
}

function judgeReplicaRole(
  { mayReplicaRole, version }: TargetServer,
  { connection }: ResolvedSinkSettings,
  found: Findings,
): void {
  const object = `role ${connection.user}`;
  if (mayReplicaRole)
    return found.ok('session_replication_role', object, 'Triggers and foreign keys do not fire for it.');
  const role = quoteIdentifier(connection.user);
  found.warning(
    'session_replication_role',
    object,
    'It may not set session_replication_role: triggers of the target fire a second time, and foreign keys are checked.',
    version >= 150_000
      ? /* sql */ `grant set on parameter session_replication_role to ${role};`
      : /* sql */ `alter role ${role} superuser; -- from version 15 on a grant is enough`,
  );
}

function judgeText(
  { encoding, collation }: TargetServer,
  { connection }: ResolvedSinkSettings,
  source: SourceView | undefined,
  found: Findings,
): void {
  const object = `database ${connection.database}`;
  const name = quoteIdentifier(connection.database);
  if (encoding !== 'UTF8' && source?.encoding !== encoding) {
    const from = source?.encoding === undefined ? '' : `, the source's is ${source.encoding}`;
    found.warning(
      'encoding',
      object,
      `Its encoding is ${encoding}${from}: a character that it does not have stops the connector.`,
      `create database ${quoteIdentifier(`${connection.database}_utf8`)} encoding 'UTF8' template template0; -- and name it in connection.url`,
    );
  }
  if (collation.stored !== null && collation.actual !== null && collation.stored !== collation.actual) {
    found.warning(
      'collation',
      object,
      `Its collation is of version ${collation.stored}, the system's is ${collation.actual}: indexes of text may be in the wrong order.`,
      /* sql */ `reindex database ${name};\nalter database ${name} refresh collation version;`,
    );
  }
}
