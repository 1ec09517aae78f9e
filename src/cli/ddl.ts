import { sourceConnection } from '../connector/connection-of.ts';
import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import type { ConnectionSettings } from '../postgres/connection-settings.ts';
import { connect } from '../postgres/connect.ts';
import { installDdl, uninstallDdl } from '../source/wal/ddl/ddl-log.ts';
import { installSql, uninstallSql } from '../source/wal/ddl/install-sql.ts';
import { connectorOf } from '../worker/operate/context.ts';
import { type OperatorFlags, operatorConfig, validConnectors } from './operator-options.ts';

export interface DdlOptions extends OperatorFlags {
  readonly names: readonly string[];
  readonly installDdl?: boolean;
  readonly uninstallDdl?: boolean;
  readonly yes?: boolean;
}

/** A source database, and whom connectors connect to it as. */
interface SourceDatabase {
  readonly connection: ConnectionSettings;
  readonly names: string[];
  readonly roles: string[];
}

/**
 * Prints the SQL that sets up DDL replication in the source databases of connectors, or takes it away, and runs it with `--yes`, as the
 * connector's role. Returns 0, or 2 for wrong usage.
 */
export async function runDdl(options: DdlOptions, env: Environment): Promise<number> {
  if (options.installDdl === true && options.uninstallDdl === true) {
    process.stderr.write('--install-ddl and --uninstall-ddl exclude each other\n');
    return 2;
  }
  const databases = sourcesOf(options, env);
  for (const { connection, names, roles } of databases) {
    const { host, port, database } = connection;
    const sql = options.installDdl === true ? installSql(roles) : uninstallSql();
    process.stdout.write(`-- ${names.join(', ')}: database "${database}" at ${host}:${port}\n${sql}\n`);
    if (options.yes !== true) continue;
    const client = await connect(connection, 'rowcast check');
    try {
      await (options.installDdl === true ? installDdl(client, roles) : uninstallDdl(client));
    } finally {
      await client.end();
    }
    const done = options.installDdl === true ? 'DDL replication is set up' : 'DDL replication is taken away';
    process.stderr.write(`${done} in database "${database}". Connectors follow when they are started again.\n`);
  }
  if (options.yes !== true) {
    process.stderr.write(
      'Nothing was done. Add --yes to run it as the role of the connector, or run it as a superuser.\n',
    );
  }
  return 0;
}

function sourcesOf(options: DdlOptions, env: Environment): SourceDatabase[] {
  const connectors = validConnectors(operatorConfig(options, env).connectorsDir, env);
  for (const name of options.names) connectorOf({ connectors }, name);
  const databases = new Map<string, SourceDatabase>();
  for (const connector of connectors) {
    if (connector.kind !== 'PostgresWalSource') continue;
    const connection = sourceConnection(connector.config);
    const key = JSON.stringify([connection.host, connection.port, connection.database]);
    const present = databases.get(key) ?? { connection, names: [], roles: [] };
    databases.set(key, present);
    present.names.push(connector.name);
    if (!present.roles.includes(connection.user)) present.roles.push(connection.user);
  }
  const wanted = [...databases.values()].filter(
    ({ names }) => options.names.length === 0 || names.some((name) => options.names.includes(name)),
  );
  if (wanted.length > 0) return wanted;
  throw new OperatorError('None of the connectors is a source', { advice: 'Name the connector that reads the WAL.' });
}
