import { sourceConnection } from '../../connector/connection-of.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import type { LogFields } from '../../observe/logger.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';

/** What a connector that is not run any more leaves on the servers, and how it is removed; for the log. */
export function leftovers(connector: ConnectorFile): LogFields {
  const { name } = connector;
  switch (connector.kind) {
    case 'PostgresWalSource': {
      const { slot, publication, topicPrefix } = connector.config;
      const { host, port, database } = sourceConnection(connector.config);
      return {
        connector: name,
        stays: `slot "${slot}", publication "${publication}", topics ${topicPrefix}.*`,
        advice:
          `An unread slot keeps WAL until the disk is full: put the file back, or run "rowcast delete ${name} --drop-slot" while this daemon ` +
          `runs (later only with the file put back), or on ${host}:${port}, database ${database}: ${dropSlotSql(slot)}`,
      };
    }
    case 'PostgresTriggerSource': {
      const { triggerName, topicPrefix } = connector.config;
      return {
        connector: name,
        stays: `triggers "${triggerName}" and their events, topics ${topicPrefix}.*`,
        advice:
          'Events that nobody reads fill the disk: put the file back, or run ' +
          `"rowcast delete ${name} --drop-slot" while this daemon runs (later only with the file put back), which takes the triggers away.`,
      };
    }
    case 'PostgresQuerySource':
      return {
        connector: name,
        stays: `topics ${connector.config.topicPrefix}.*`,
        advice: 'Nothing of it is left on the source. Put the file back to go on from there.',
      };
    case 'PostgresSink':
      return {
        connector: name,
        stays: 'the replica, and its progress in rowcast.progress',
        advice: `Put the file back to go on from there, or run "rowcast delete ${name} --drop-progress" while this daemon runs (later only with the file put back).`,
      };
    default:
      return connector satisfies never;
  }
}

/** The statement that drops a slot, ready to be pasted. */
export function dropSlotSql(slot: string): string {
  return /* sql */ `select pg_drop_replication_slot(${quoteLiteral(slot)});`;
}
