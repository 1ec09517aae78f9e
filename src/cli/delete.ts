import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectorFile, parseConnector } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { OperatorError } from '../errors.ts';
import { findDaemon } from '../worker/daemon-file.ts';
import { connectorOf } from '../worker/operate/context.ts';
import { askDaemon, daemonHas } from '../worker/operate/daemon-client.ts';
import { deleteConnector } from '../worker/operate/delete.ts';
import { operateOnLog } from '../worker/operate/on-log.ts';
import type { OperatorAnswer, OperatorRequest } from '../worker/rest/daemon-view.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';
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

/** What a file is called from the moment when its connector is to stop until everything else is done, so that it can be repeated. */
const DELETED = '.deleted';
/** A daemon that watches its files has noticed by then, and stopped what was busy. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 200;

/**
 * Deletes a connector. Its file goes aside first, which stops it where a daemon runs; then its servers are tidied as asked; the file is
 * removed when all of that is done. Whatever fails, the same command can be given again. Returns 0.
 */
export async function runDelete(name: string, options: DeleteOptions, env: Environment): Promise<number> {
  const config = operatorConfig(options, env);
  using stop = stopSignal();
  const present = validConnectors(config.connectorsDir, env);
  const aside = setAside(config.connectorsDir, env);
  const connector = connectorOf({ connectors: [...present, ...aside] }, name);
  const connectors = [...present.filter((each) => each.name !== name), connector];
  await confirm(planOf(connector, options), options.yes === true, stop.signal);
  const daemon = await findDaemon(config.stateDir);
  if (options.keepFile === true && daemon !== undefined) {
    throw new OperatorError(`The daemon (process ${daemon.pid}) would start ${name} again`, {
      advice: 'Stop the daemon first, or leave out --keep-file.',
    });
  }
  if (options.keepFile !== true && existsSync(connector.file)) {
    await rename(connector.file, `${connector.file}${DELETED}`);
  }
  const request = requestOf(name, options);
  const answer =
    daemon?.url === undefined
      ? await operateOnLog(config, connectors, request, stop.signal)
      : await besideDaemon(config, daemon.url, connectors, request, stop.signal);
  if (options.keepFile !== true) await rm(`${connector.file}${DELETED}`, { force: true });
  const file = options.keepFile === true ? [] : [`${name}: ${connector.file} is removed`];
  print({ ...answer, lines: [...file, ...answer.lines] }, options.json === true);
  return 0;
}

/** The daemon has stopped the connector; its servers are ours to tidy, its log is the daemon's. */
async function besideDaemon(
  config: WorkerConfig,
  url: string,
  connectors: readonly ConnectorFile[],
  request: Extract<OperatorRequest, { kind: 'delete' }>,
  signal: AbortSignal,
): Promise<OperatorAnswer> {
  const { connector: name } = request;
  for (let waitedMs = 0; await daemonHas(url, config.rest, name, signal); waitedMs += LOOK_EVERY_MS) {
    if (waitedMs >= PATIENCE_MS) {
      throw new OperatorError(`The daemon still runs ${name}, whose file was set aside`, {
        advice: 'Does it watch its files (connectors.watch)? Restart it, and give this command again.',
      });
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  const bare = {
    kind: 'delete',
    connector: name,
    dropSlot: false,
    dropPublication: false,
    dropProgress: false,
  } as const;
  const forgotten = await askDaemon(url, config.rest, bare, signal);
  if (forgotten === undefined) return await operateOnLog(config, connectors, request, signal);
  const tidied = await deleteConnector({ connectors, forget: undefined }, request, signal);
  return { ...tidied, lines: [...tidied.lines, ...forgotten.lines] };
}

/** Connectors whose deletion was begun and not finished. */
function setAside(directory: string, env: Environment): readonly ConnectorFile[] {
  const names = readdirSync(directory).filter((name) => name.endsWith(`.json${DELETED}`));
  return names.flatMap((name) => {
    const path = join(directory, name);
    try {
      return [parseConnector(path.slice(0, -DELETED.length), readFileSync(path, 'utf8'), env)];
    } catch (error) {
      if (error instanceof OperatorError) return []; // it was never one that could run
      throw error;
    }
  });
}

function requestOf(name: string, options: DeleteOptions): Extract<OperatorRequest, { kind: 'delete' }> {
  const { dropSlot = false, dropPublication = false, dropProgress = false } = options;
  return { kind: 'delete', connector: name, dropSlot, dropPublication, dropProgress };
}

function planOf(connector: ConnectorFile, options: DeleteOptions): readonly string[] {
  const { name, file } = connector;
  const lines = options.keepFile === true ? [] : [`${file} will be removed, which stops ${name}.`];
  if (connector.kind === 'PostgresWalSource') {
    const { slot, publication } = connector.config;
    if (options.dropSlot === true)
      lines.push(`Slot "${slot}" will be dropped: ${name} can never go on from where it is.`);
    if (options.dropPublication === true) lines.push(`Publication "${publication}" will be dropped.`);
  } else if (options.dropProgress === true) {
    lines.push(`The progress of ${name} will be removed from its target.`);
  }
  return lines;
}
