import { Findings, type Finding } from '../../../finding.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import type { TableFacts } from '../../capture/preflight/table-facts.ts';
import { INSTALL_TRIGGERS } from '../set-up.ts';
import type { TriggerSourceSettings } from '../settings.ts';
import { firesAlways, type FoundTable, missing, type SetUp } from '../tables.ts';

/** What is looked at of a server that triggers capture on. */
export interface TriggerServer {
  readonly isStandby: boolean;
  readonly encoding: string;
  /** The role may create a schema. */
  readonly mayCreate: boolean;
  /** Transactions can be prepared for a two-phase commit. */
  readonly mayPrepare: boolean;
  readonly instance: string;
}

/** Judges what triggers write into, and the server that it is on. */
export function judgeSetUp(
  { isStandby, mayCreate, mayPrepare }: TriggerServer,
  setUp: SetUp | undefined,
  { autocreateMode, name, connection }: TriggerSourceSettings,
): readonly Finding[] {
  const found = new Findings();
  const object = `database ${connection.database}`;
  const fix = `${INSTALL_TRIGGERS} ${name}`;
  if (isStandby) {
    found.problem(
      'primary',
      object,
      'It is a standby, on which triggers cannot write.',
      'Name the primary in database.hostname.',
    );
  }
  if (setUp === undefined && autocreateMode === 'disabled') {
    found.problem(
      'trigger set-up',
      object,
      'Capture by triggers is not set up, and trigger.autocreate.mode is disabled.',
      fix,
    );
  } else if (setUp === undefined && !mayCreate) {
    found.problem('trigger set-up', object, `Role ${connection.user} may not create what triggers write into.`, fix);
  } else if (setUp?.isStale === true && (autocreateMode === 'disabled' || !setUp.isOwned)) {
    found.problem(
      'trigger set-up',
      object,
      'It was set up in another database, which this one was restored or upgraded from.',
      fix,
    );
  } else if (setUp === undefined)
    found.ok('trigger set-up', object, 'The connector sets capture by triggers up at its first start.');
  else found.ok('trigger set-up', object, 'Capture by triggers is set up.');
  if (mayPrepare) {
    found.warning(
      'prepared transactions',
      object,
      'Transactions can be prepared (max_prepared_transactions), and may not notify: events are found by polling (poll.interval.ms).',
    );
  }
  return found.all;
}

/** Judges the triggers of the captured tables, and whether the role may make and read what is missing. */
export function judgeTriggers(
  wanted: readonly FoundTable[],
  tables: readonly TableFacts[],
  { autocreateMode, name, connection }: TriggerSourceSettings,
): readonly Finding[] {
  const found = new Findings();
  const fix = `${INSTALL_TRIGGERS} ${name}`;
  for (const { schema, name: table, maySelect, mayUseSchema, hidesRows } of tables) {
    const object = `table ${schema}.${table}`;
    const role = quoteIdentifier(connection.user);
    if (!mayUseSchema) {
      found.problem(
        'rights',
        object,
        `Role ${connection.user} may not use its schema.`,
        `grant usage on schema ${quoteIdentifier(schema)} to ${role};`,
      );
    } else if (!maySelect) {
      found.problem(
        'rights',
        object,
        `Role ${connection.user} may not read it.`,
        `grant select on ${qualified(schema, table)} to ${role};`,
      );
    } else if (hidesRows) {
      found.problem(
        'row security',
        object,
        'A policy hides rows of it from the role.',
        `alter role ${role} bypassrls;`,
      );
    }
  }
  for (const table of wanted) {
    const object = `table ${table.schema}.${table.name}`;
    const why = missing(table);
    if (why !== undefined && autocreateMode === 'disabled') {
      found.problem('triggers', object, `It is not captured: ${why}.`, fix);
    } else if (why !== undefined && !table.isOwned) {
      found.problem('triggers', object, `It is not captured: ${why}, and only its owner may make one.`, fix);
    } else if (why === undefined && !firesAlways(table)) {
      found.warning('triggers', object, 'Sessions with session_replication_role = replica are not captured.', fix);
    }
  }
  if (found.isOk('triggers') && wanted.length > 0) {
    const made = wanted.filter((table) => missing(table) === undefined).length;
    found.ok(
      'triggers',
      `database ${connection.database}`,
      `${made} of ${wanted.length} captured tables have their triggers; the connector makes the others.`,
    );
  }
  return found.all;
}
