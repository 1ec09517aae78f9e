import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { ConnectorFile } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { findDaemon } from '../worker/daemon-file.ts';
import { connectorOf } from '../worker/operate/context.ts';
import { askDaemon } from '../worker/operate/daemon-client.ts';
import { operateOnLog } from '../worker/operate/on-log.ts';
import { confirm } from './confirm.ts';
import { print } from './offsets.ts';
import { type OperatorFlags, operatorConfig, validConnectors } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';

export interface DeleteOptions extends OperatorFlags {
  readonly dropSlot?: boolean;
  readonly dropPublication?: boolean;
  readonly dropProgress?: boolean;
  readonly keepFile?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/**
 * Deletes a connector: a daemon that runs stops it, and keeps it stopped; its servers are tidied as asked; then its file is removed.
 * Whatever fails, the same command can be given again. A daemon also deletes one whose file is gone already. Returns 0.
 */
export async function runDelete(name: string, options: DeleteOptions, env: Environment): Promise<number> {
  const config = operatorConfig(options, env);
  using stop = stopSignal();
  const daemon = await findDaemon(config.stateDir);
  const connectors = validConnectors(config.connectorsDir, env);
  const connector = connectors.find((each) => each.name === name);
  if (daemon?.url === undefined) connectorOf({ connectors }, name); // nobody else remembers it
  await confirm(planOf(name, connector, options), options.yes === true, stop.signal);
  const { dropSlot = false, dropPublication = false, dropProgress = false } = options;
  const request = { kind: 'delete', connector: name, dropSlot, dropPublication, dropProgress } as const;
  const answer =
    (daemon?.url === undefined ? undefined : await askDaemon(daemon.url, config.rest, request, stop.signal)) ??
    (await operateOnLog(config, connectors, request, stop.signal));
  print({ ...answer, lines: [...answer.lines, ...(await removeFile(connector, options))] }, options.json === true);
  return 0;
}

/** Last, so that everything before it can be repeated; says what became of the file. */
async function removeFile(connector: ConnectorFile | undefined, options: DeleteOptions): Promise<string[]> {
  if (connector === undefined || !existsSync(connector.file)) return [];
  if (options.keepFile === true) {
    return [`${connector.name}: stays: ${connector.file}, which the next daemon that starts runs again`];
  }
  await rm(connector.file, { force: true });
  return [`${connector.name}: ${connector.file} is removed`];
}

function planOf(name: string, connector: ConnectorFile | undefined, options: DeleteOptions): readonly string[] {
  const lines = [`Connector ${name} will be stopped for good.`];
  if (connector !== undefined && options.keepFile !== true) lines.push(`${connector.file} will be removed.`);
  const isSource = connector?.kind === 'PostgresWalSource';
  const slot = isSource ? ` "${connector.config.slot}"` : '';
  const publication = isSource ? ` "${connector.config.publication}"` : '';
  if (options.dropSlot === true) lines.push(`Its slot${slot} will be dropped: it can never go on from where it is.`);
  if (options.dropPublication === true) lines.push(`Its publication${publication} will be dropped.`);
  if (options.dropProgress === true) lines.push('What it keeps about itself in its target will be removed.');
  return lines;
}
