import { type ConnectorFile } from '../../../src/connector/load-file.ts';
import { parseConnector } from '../../support/connector.ts';
import type { Log } from '../../../src/log/log.ts';
import type { ConnectionSettings } from '../../../src/postgres/connection-settings.ts';
import { operate } from '../../../src/worker/operate/operate.ts';
import type { OperateContext } from '../../../src/worker/operate/context.ts';
import type { OperatorAnswer, OperatorRequest } from '../../../src/worker/rest/daemon-view.ts';
import { systemClock } from '../../../src/worker/system-clock.ts';
import { Replication } from '../../pipeline/replication.ts';
import { type Database, freshDatabase } from '../../support/postgres.ts';

/** The connectors `shop` and `replica` as files would have them, for what `Replication` runs. */
export function connectorFiles(source: ConnectionSettings, target: ConnectionSettings): readonly ConnectorFile[] {
  return [
    connectorFile('shop', {
      'connector.class': 'PostgresWalSource',
      'database.hostname': source.host,
      'database.port': source.port,
      'database.user': source.user,
      'database.password': source.password ?? '',
      'database.dbname': source.database,
      'database.sslmode': 'disable',
      'topic.prefix': 'shop',
      'slot.name': `slot_${source.database}`,
      'publication.name': `pub_${source.database}`,
      'publication.autocreate.mode': 'filtered',
    }),
    connectorFile('replica', {
      'connector.class': 'PostgresSink',
      'connection.url': `postgres://${target.host}:${target.port}/${target.database}`,
      'connection.username': target.user,
      'connection.password': target.password ?? '',
      'topic.prefix': 'shop',
      'topics.regex': 'shop\\..*',
    }),
  ];
}

function connectorFile(name: string, config: Readonly<Record<string, string | number>>): ConnectorFile {
  return parseConnector(`${name}.json`, JSON.stringify({ name, config }), {});
}

/** A source database and a target with the loops between them, and an operator. */
export interface Operated extends AsyncDisposable {
  readonly source: Database;
  readonly target: Database;
  readonly replication: Replication;
  /** Readers that the log was told to forget. */
  readonly forgotten: readonly string[];
  readonly ask: (request: OperatorRequest) => Promise<OperatorAnswer>;
}

export async function operated(sql: string): Promise<Operated> {
  const source = await freshDatabase('source');
  const target = await freshDatabase('target');
  await source.query(sql);
  const replication = await Replication.open({ source: source.settings, target: target.settings });
  const forgotten: string[] = [];
  const context = operator(replication.log, connectorFiles(source.settings, target.settings), forgotten);
  return {
    source,
    target,
    replication,
    forgotten,
    ask: (request) => operate(context, request, AbortSignal.timeout(60_000)),
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}

export function operator(log: Log, connectors: readonly ConnectorFile[], forgotten: string[] = []): OperateContext {
  return {
    log,
    connectors,
    clock: systemClock,
    readers: [],
    forget: async (reader) => {
      forgotten.push(reader);
    },
  };
}
