import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { loadConnectors } from '../../connector/load-file.ts';
import type { Environment } from '../../connector/reference.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import { streamedChanges } from '../../observe/change-counts.ts';
import type { Logger } from '../../observe/logger.ts';
import { createRedactor } from '../../observe/redaction.ts';
import { connect } from '../../postgres/connect.ts';
import { isPollPosition } from '../../source/query/poll-state.ts';
import { type Daemon, openDaemon } from '../../worker/daemon.ts';
import { loadWorkerConfig } from '../../worker/load-worker-config.ts';
import { RETRIED } from '../../worker/supervised-task.ts';
import { stopSignal } from '../stop-signal.ts';
import { type Pair, pairOf, showLive } from './live-view.ts';
import { createScreen, type Screen } from './screen.ts';
import { type Servers, startServers } from './servers.ts';
import { corruptReplica, hasMarker, type Marker, prepareShop, writeMarker } from './shop-database.ts';
import { startWorkload } from './shop-workload.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { compareShops, isEveryKindStreamed, tellStreamed } from './verdict.ts';

export interface DemoOptions {
  readonly connectors: string;
  readonly seconds: number;
  readonly kafka: boolean;
  readonly corrupt: boolean;
  readonly rate: number;
}

/** How much longer than asked the shop may stay open. */
const OVERTIME_MS = 60_000;
/** How long the replica may stand still while it is waited for. */
const STALL_MS = 60_000;

/**
 * Shows the whole way of a row on servers of its own, and proves the result: 0 when the replica equals the source and every kind
 * of change was streamed, else 1. Leaves nothing behind.
 */
export async function runDemo(options: DemoOptions, env: Environment): Promise<number> {
  const screen = createScreen(process.stdout);
  using stop = stopSignal();
  try {
    await using state = await temporaryDirectory();
    screen.line(`starting two Postgres servers${options.kafka ? ' and Kafka' : ''} …`);
    await using servers = await startServers(options.kafka, stop.signal);
    introduce(servers, screen);
    await prepareShop(servers.source);
    return await replicate(options, { ...env, ...servers.environment }, state.path, servers, screen, stop.signal);
  } catch (error) {
    if (stop.signal.aborted && isAbort(error)) return 1;
    throw error;
  }
}

async function replicate(
  options: DemoOptions,
  env: Environment,
  state: string,
  servers: Servers,
  screen: Screen,
  stop: AbortSignal,
): Promise<number> {
  const connectors = loadConnectors(options.connectors, env);
  screen.line(`running the connector files in ${options.connectors}: ${connectors.map(({ name }) => name).join(', ')}`);
  const ending = new AbortController();
  const { config } = loadWorkerConfig({ env: servers.environment, flags: settingsOf(options, state, servers) });
  const daemonOptions = { config, env, logger: demoLogger(screen), redactor: createRedactor(), takeOver: false };
  await using daemon = await openDaemon(daemonOptions, ending.signal);
  screen.line(`schema registry and REST: ${daemon.url}`);
  const running = daemon.run(ending.signal);
  try {
    await beBusy(options, daemon, servers, screen, stop);
    await catchUp(daemon, servers);
  } finally {
    ending.abort();
    await running;
  }
  if (options.corrupt) await corruptReplica(servers.replica);
  const isWhole = tellStreamed(pair(daemon), screen);
  const isEqual = await compareShops(servers.source, servers.replica, screen);
  return isWhole && isEqual ? 0 : 1;
}

/** The demo's own settings: what the environment says about a daemon is not for it. */
function settingsOf(
  { connectors }: DemoOptions,
  state: string,
  { bootstrapServers }: Servers,
): Readonly<Record<string, string | undefined>> {
  return {
    'connectors.dir': connectors,
    'connectors.watch': 'false',
    'state.dir': state,
    'bootstrap.servers': bootstrapServers,
    listeners: 'http://127.0.0.1:0',
  };
}

/** Keeps the shop busy and shows it, until the time is over, Ctrl-C, or a connector fails. */
async function beBusy(
  { seconds, rate }: DemoOptions,
  daemon: Daemon,
  servers: Servers,
  screen: Screen,
  stop: AbortSignal,
): Promise<void> {
  const client = await connect(servers.source, 'rowcast demo');
  const done = new AbortController();
  const live = showLive(screen, () => pair(daemon), client, done.signal);
  try {
    await using workload = await startWorkload(servers.source, rate);
    const endsAt = performance.now() + seconds * 1000;
    let isFirstRowTold = false;
    for (
      let now = 0;
      !stop.aborted && (now < endsAt || !isWorthIt(pair(daemon), now - endsAt));
      now = performance.now()
    ) {
      await sleep(20);
      assertRunning(daemon);
      if (isFirstRowTold || !hasRows(pair(daemon))) continue;
      isFirstRowTold = true;
      screen.line(`first row replicated ${(performance.now() / 1000).toFixed(1)} s after the start`);
    }
    screen.line(stop.aborted ? 'asked to stop: the shop closes' : 'the shop closes');
    await workload.stop();
  } finally {
    done.abort();
    await live;
    await client.end();
  }
}

/** On a slow machine the first copy may take all the time: the shop stays open a little longer, so that there is something to show. */
function isWorthIt(now: Pair, overtimeMs: number): boolean {
  return overtimeMs > OVERTIME_MS || isEveryKindStreamed(now);
}

function hasRows({ sink }: Pair): boolean {
  return sink.counts.changes.copied + streamedChanges(sink.counts.changes) > 0;
}

/** Waits until the replica shows the last transaction of the source: a marker, which is the last write. */
async function catchUp(daemon: Daemon, { source, replica }: Servers): Promise<void> {
  const marker = await writeMarker(source);
  let seen: string | undefined;
  let movedAt = performance.now();
  for (;;) {
    assertRunning(daemon);
    const { position, consistent } = pair(daemon).sink.counts;
    if (position !== undefined && consistent && (await hasPassed(position, marker, replica))) return;
    if (position !== seen) [seen, movedAt] = [position, performance.now()];
    if (performance.now() - movedAt > STALL_MS)
      throw new TransientError('The replica stands still and does not catch up');
    await sleep(10);
  }
}

/** Polls count themselves: what they have seen of the source only their rows tell. */
async function hasPassed(position: string, marker: Marker, replica: ConnectionSettings): Promise<boolean> {
  return isPollPosition(position) ? await hasMarker(replica, marker) : position > marker.position;
}

function introduce({ source, replica, bootstrapServers }: Servers, screen: Screen): void {
  screen.line(`source:  psql ${url(source)}`);
  screen.line(`replica: psql ${url(replica)}`);
  screen.line(`log:     ${bootstrapServers ? `Kafka at ${bootstrapServers}` : 'embedded, in a temporary directory'}`);
}

/** The password is random, the server is this machine's alone and gone in a minute: it is shown so that one can look inside. */
function url({ user, password, host, port, database }: ConnectionSettings): string {
  return `postgres://${user}:${password}@${host}:${port}/${database}`;
}

function pair(daemon: Daemon): Pair {
  const found = pairOf(daemon.statuses());
  if (found) return found;
  throw new OperatorError('The demo needs a source and a sink among its connector files');
}

function assertRunning(daemon: Daemon): void {
  for (const { name, state, failure } of daemon.statuses()) {
    if (state !== 'failed' && state !== 'stopped') continue;
    const advice = failure?.advice === undefined ? {} : { advice: failure.advice };
    throw new OperatorError(`Connector ${name} has ${state}: ${failure?.message ?? 'it ended by itself'}`, advice);
  }
}

/** Failures that end the demo are thrown, and passing ones are shown live: what is left are hints about settings and tables. */
function demoLogger(screen: Screen): Logger {
  const nothing = (): void => {};
  return {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn(fact, fields = {}) {
      if (fact !== RETRIED) screen.line(fields.setting === undefined ? fact : `${fact}: ${fields.setting}`);
    },
  };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
