import type { ConnectorFile } from '../../connector/load-file.ts';
import type { LogFields } from '../../observe/logger.ts';

/** What a connector that is not run any more leaves on the servers, and how it is removed; for the log. */
export function leftovers(connector: ConnectorFile): LogFields {
  const { name } = connector;
  switch (connector.kind) {
    case 'PostgresWalSource': {
      const { slot, publication, topicPrefix } = connector.config;
      return {
        connector: name,
        stays: `slot "${slot}", publication "${publication}", topics ${topicPrefix}.*`,
        advice: `An unread slot keeps WAL until the disk is full: put the file back, or run "rowcast delete ${name} --drop-slot".`,
      };
    }
    case 'PostgresSink':
      return {
        connector: name,
        stays: 'the replica, and its progress in rowcast.progress',
        advice: `Put the file back to go on from there, or run "rowcast delete ${name} --drop-progress".`,
      };
    default:
      return connector satisfies never;
  }
}
