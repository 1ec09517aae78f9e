import type pg from 'pg';
import { OperatorError } from '../../errors.ts';
import type { Clock } from '../../clock.ts';
import { endStatementsWith } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import { captureOf } from '../capture/capture.ts';
import { compileFilter } from '../capture/filter.ts';
import { applicationName, lockConnector } from '../capture/holder.ts';
import type { Warn } from '../capture/warn.ts';
import type { HeldSource, Incarnation, Source } from '../source.ts';
import { captureTables } from './capture-tables.ts';
import { HeldTriggerSource } from './held-trigger-source.ts';
import { askServer } from './identity.ts';
import { type TriggerNames, triggerNames } from './names.ts';
import { storedPosition } from './reader-row.ts';
import { install, INSTALL_TRIGGERS } from './set-up.ts';
import type { TriggerSourceSettings } from './settings.ts';
import { findSetUp, type SetUp } from './tables.ts';

/** Captures the changes of a Postgres database by triggers, which write them into a table. Throws OperatorError for a bad filter. */
export function createTriggerSource(settings: TriggerSourceSettings, clock: Clock, warn: Warn): Source {
  const filter = compileFilter(settings);
  const names = triggerNames(settings.triggerName);
  const told = new Set<string>();
  return {
    async open(self: Incarnation, takeOver: boolean, signal: AbortSignal): Promise<HeldSource> {
      const application = applicationName(settings.name, self);
      const client = await connect(settings.connection, application, {}, signal);
      endStatementsWith(client, signal);
      try {
        await lockConnector(client, settings.name, self, takeOver, signal);
        const { system, timeline } = await askServer(client);
        const { events } = await ensureSetUp(client, settings, names);
        const parts = { client, settings, names, application, clock, filter, warn, told };
        const tables = await captureTables(parts, false);
        if (tables.captured.length === 0 && tables.lacking.length === 0) warnOfNothing(warn);
        const identity = { system, timeline, publication: String(events) };
        const capture = captureOf(
          settings,
          tables.captured.map(({ captureId }) => ({ relationId: captureId })),
        );
        const confirmed = await storedPosition(client, names);
        return new HeldTriggerSource({ ...parts, identity, capture, tables, confirmed });
      } catch (error) {
        await client.end();
        throw error;
      }
    },
  };
}

/** What the triggers write into, made where it is missing and may be made. */
async function ensureSetUp(
  client: pg.ClientBase,
  { triggerName, autocreateMode, connection }: TriggerSourceSettings,
  names: TriggerNames,
): Promise<SetUp> {
  const present = await findSetUp(client, names);
  // An own one is brought to this version's code; events of a database that this one was restored from are thrown away.
  if (autocreateMode === 'filtered' && (present === undefined || present.isOwned)) {
    await install(client, triggerName, [connection.user]);
  }
  const found = await findSetUp(client, names);
  if (found === undefined) {
    throw new OperatorError(`Capture by triggers "${triggerName}" is not set up in database "${connection.database}"`, {
      advice: `Run "${INSTALL_TRIGGERS}", which prints the SQL first, or set trigger.autocreate.mode to filtered.`,
    });
  }
  if (!found.isStale) return found;
  throw new OperatorError(
    `${names.events} was set up in another database, which this one was restored or upgraded from: its events are not of these tables`,
    { advice: `Run "${INSTALL_TRIGGERS}" again: it empties the table. Then the tables are copied again.` },
  );
}

function warnOfNothing(warn: Warn): void {
  warn(
    'No table is captured: none that the lists take in has triggers',
    'Compare table.include.list and the other lists with the tables: an expression must match a whole name, as schema.table.',
  );
}
