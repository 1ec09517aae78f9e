import type { Clock } from '../../clock.ts';
import { endStatementsWith } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import { compileFilter } from '../capture/filter.ts';
import { applicationName, lockConnector } from '../capture/holder.ts';
import { lookUpIdentity } from '../capture/server-identity.ts';
import type { Warn } from '../capture/warn.ts';
import type { HeldSource, Incarnation, Source } from '../source.ts';
import { HeldQuerySource } from './held-query-source.ts';
import type { QuerySourceSettings } from './settings.ts';

/**
 * Captures rows by polling tables, views or a query: with no right but SELECT, and from a standby too. Each poll reads one state of all of them. Throws
 * OperatorError for a bad filter.
 */
export function createQuerySource(settings: QuerySourceSettings, clock: Clock, warn: Warn): Source {
  const filter = compileFilter(settings);
  if (settings.query !== undefined && settings.mode !== 'bulk') {
    warn(
      'The rows of a query are found by its columns alone, as well as can be: one that commits later than timestamp.delay.interval.ms is missed',
      'Poll the tables themselves, which misses nothing, or set mode to bulk.',
    );
  }
  let isTold = false;
  const onNothing = (): void => {
    if (isTold) return;
    isTold = true;
    warn(
      'No table is captured: the filters match none',
      'Compare table.include.list and the other lists with the tables: an expression must match a whole name, as schema.table.',
    );
  };
  return {
    async open(self: Incarnation, takeOver: boolean, signal: AbortSignal): Promise<HeldSource> {
      const client = await connect(settings.connection, applicationName(settings.name, self), {}, signal);
      endStatementsWith(client, signal);
      try {
        await lockConnector(client, settings.name, self, takeOver, signal);
        const identity = await lookUpIdentity(client);
        return new HeldQuerySource({ client, settings, identity, filter, clock, onNothing });
      } catch (error) {
        await client.end();
        throw error;
      }
    },
  };
}
