import { sourceConnection } from '../connector/connection-of.ts';
import type { ConnectorFile } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import { connect } from '../postgres/connect.ts';
import { compileFilter } from '../source/capture/filter.ts';
import { installSql, uninstallSql } from '../source/trigger/install-sql.ts';
import { install, makePartTriggers, makeTriggers, missingTriggersSql, uninstall } from '../source/trigger/set-up.ts';
import { findTables, firesAlways, leavesWithout, missing } from '../source/trigger/tables.ts';
import { connectorOf } from '../worker/operate/context.ts';
import { triggerSourceSettings } from '../worker/settings.ts';
import { type OperatorFlags, operatorConfig, validConnectors } from './operator-options.ts';

export interface TriggersOptions extends OperatorFlags {
  readonly names: readonly string[];
  readonly installTriggers?: boolean;
  readonly removeTriggers?: boolean;
  readonly yes?: boolean;
}

type TriggerFile = Extract<ConnectorFile, { readonly kind: 'PostgresTriggerSource' }>;

/**
 * Prints the SQL that lets trigger sources capture, or takes it away, and runs it with `--yes`, as the connector's role. Returns 0, or 2 for
 * wrong usage.
 */
export async function runTriggers(options: TriggersOptions, env: Environment): Promise<number> {
  if (options.installTriggers === true && options.removeTriggers === true) {
    process.stderr.write('--install-triggers and --remove-triggers exclude each other\n');
    return 2;
  }
  for (const connector of triggerSources(options, env)) {
    if (options.installTriggers === true) await installFor(connector, options.yes === true);
    else await removeFor(connector, options.yes === true);
  }
  if (options.yes !== true) {
    process.stderr.write(
      'Nothing was done. Add --yes to run it as the role of the connector, or run it as the owner of the tables.\n',
    );
  }
  return 0;
}

async function installFor({ name, config }: TriggerFile, isRun: boolean): Promise<void> {
  const settings = triggerSourceSettings(name, config);
  const { triggerName, connection } = settings;
  const filter = compileFilter(settings);
  const client = await connect(connection, 'rowcast check');
  try {
    const { wanted } = await findTables(client, triggerName, filter);
    tell(
      { name, config },
      `${installSql(triggerName, [connection.user])}${missingTriggersSql(triggerName, wanted, true)}`,
    );
    if (!isRun) return;
    await install(client, triggerName, [connection.user]);
    for (const table of wanted) {
      if (missing(table) !== undefined || !firesAlways(table)) await makeTriggers(client, triggerName, table);
      else if (leavesWithout(table).length > 0) await makePartTriggers(client, triggerName, table);
    }
    process.stderr.write(`Triggers "${triggerName}" are set up in database "${connection.database}".\n`);
  } finally {
    await client.end();
  }
}

async function removeFor({ name, config }: TriggerFile, isRun: boolean): Promise<void> {
  const { triggerName } = config;
  const connection = sourceConnection(config);
  tell({ name, config }, uninstallSql(triggerName));
  if (!isRun) return;
  const client = await connect(connection, 'rowcast check');
  try {
    await uninstall(client, triggerName);
    process.stderr.write(`Triggers "${triggerName}" are taken away from database "${connection.database}".\n`);
  } finally {
    await client.end();
  }
}

function tell({ name, config }: Pick<TriggerFile, 'name' | 'config'>, sql: string): void {
  const { host, port, database } = sourceConnection(config);
  process.stdout.write(`-- ${name}: database "${database}" at ${host}:${port}\n${sql}\n`);
}

function triggerSources(options: TriggersOptions, env: Environment): TriggerFile[] {
  const connectors = validConnectors(operatorConfig(options, env).connectorsDir, env);
  for (const name of options.names) connectorOf({ connectors }, name);
  const wanted = connectors.filter(
    (each): each is TriggerFile =>
      each.kind === 'PostgresTriggerSource' && (options.names.length === 0 || options.names.includes(each.name)),
  );
  if (wanted.length > 0) return wanted;
  throw new OperatorError('None of the connectors captures by triggers', {
    advice: 'Name one whose connector.class is PostgresTriggerSource.',
  });
}
