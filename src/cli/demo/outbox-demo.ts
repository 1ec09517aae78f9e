import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endAfter } from '../../deadline.ts';
import type { Environment } from '../../connector/reference.ts';
import { isSource, loadConnectors } from '../../connector/load-file.ts';
import { OperatorError, TransientError } from '../../errors.ts';
import { type EmbeddedLog, openEmbeddedLog } from '../../log/embedded/embedded-log.ts';
import type { Log } from '../../log/log.ts';
import type { Logger } from '../../observe/logger.ts';
import { supervise } from '../../pipeline/supervise.ts';
import { makeTask } from '../../worker/composition.ts';
import { initialStatus } from '../../worker/initial-status.ts';
import { serialLog } from '../../worker/serial-log.ts';
import type { Task } from '../../worker/task.ts';
import { systemClock } from '../../worker/system-clock.ts';
import { stopSignal } from '../stop-signal.ts';
import { EventReader, type SeenEvent } from './event-reader.ts';
import { prepareOutboxShop, writeEvents } from './outbox-shop.ts';
import { startPostgres } from '../../servers/postgres-server.ts';
import { createScreen, type Screen } from './screen.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface OutboxDemoOptions {
  readonly connectors: string;
  readonly seconds: number;
}

const PREFIX = 'shop';
const RESTARTS = 3;
const WAIT_MS = 200;
/** How long the last events may take. */
const STALL_MS = 60_000;

/**
 * Shows the events of an outbox as they arrive, while their source is restarted, and proves the result: 0 when each committed row arrived
 * exactly once and in the order of its aggregate, else 1. Leaves nothing behind.
 */
export async function runOutboxDemo({ connectors, seconds }: OutboxDemoOptions, env: Environment): Promise<number> {
  const screen = createScreen(process.stdout);
  using stop = stopSignal();
  await using state = await temporaryDirectory();
  screen.line('starting a Postgres server …');
  await using server = await startPostgres();
  const database = await server.createDatabase(PREFIX);
  await prepareOutboxShop(database);
  await using log = await openEmbeddedLog(join(state.path, 'log'));
  const { host, port, user, password } = database;
  const named = { HOST: host, PORT: String(port), USER: user, PASSWORD: password, DATABASE: database.database };
  const source = Object.fromEntries(Object.entries(named).map(([key, value]) => [`SHOP_SOURCE_${key}`, value]));
  const run = taskRunner(connectors, { ...env, ...source }, log, screen);
  const reading = new AbortController();
  const seen: SeenEvent[] = [];
  const reader = showEvents(log, screen, seen, reading.signal);
  try {
    const written = await beBusy(
      run,
      () => writeEvents(database, ends(seconds, stop.signal)),
      seconds,
      stop.signal,
      screen,
    );
    await run(() => arrived(seen, written.length));
    return verdict(seen, written, screen) ? 0 : 1;
  } finally {
    reading.abort();
    await reader;
  }
}

/** Runs the source while something else is done, which may look at it. */
type RunTask = <T>(meanwhile: (task: Task) => Promise<T>) => Promise<T>;

function taskRunner(connectors: string, env: Environment, log: EmbeddedLog, screen: Screen): RunTask {
  const connector = loadConnectors(connectors, env).find(isSource);
  if (connector === undefined) throw new OperatorError(`${connectors} has no source`);
  const tell = (fact: string): void => screen.line(fact);
  const logger: Logger = { debug() {}, info() {}, warn: tell, error: tell };
  const kept: Log = { ...serialLog(log), [Symbol.asyncDispose]: async () => {} };
  return async (meanwhile) => {
    const order = {
      connector,
      daemon: 'demo',
      config: { kafka: undefined, registry: undefined, compression: 'none' },
      memory: { takeOver: false, stored: undefined },
      status: initialStatus(connector, systemClock.now()),
    } as const;
    const task = makeTask(order, async () => kept, logger);
    const ending = new AbortController();
    const options = { clock: systemClock, jitter: Math.random, onState: () => {} };
    const running = supervise((signal) => task.run(signal), options, ending.signal);
    try {
      return await Promise.race([
        meanwhile(task),
        running.then(() => Promise.reject(new Error('The source has ended'))),
      ]);
    } finally {
      ending.abort();
      await running.catch(() => {}); // the race has told
    }
  };
}

/** Lets the application write, and restarts the source in the midst of it. */
async function beBusy(
  run: RunTask,
  write: () => Promise<readonly string[]>,
  seconds: number,
  stop: AbortSignal,
  screen: Screen,
): Promise<readonly string[]> {
  // The slot has to be there before the first event, whose row does not stay.
  await run(async (task) => {
    while (!stop.aborted && task.status(undefined, undefined).state !== 'streaming') await sleep(50);
  });
  const writing = write();
  for (let i = 0; i <= RESTARTS && !stop.aborted; i++) {
    if (i > 0) screen.line(`— the source is started again (${i} of ${RESTARTS})`);
    await run(() => sleep((seconds * 1000) / (RESTARTS + 1), undefined, { signal: stop }).catch(() => {})); // aborted: the loop ends
  }
  return await writing;
}

function ends(seconds: number, stop: AbortSignal): AbortSignal {
  return AbortSignal.any([stop, endAfter(seconds * 1000)]);
}

async function showEvents(log: Log, screen: Screen, seen: SeenEvent[], signal: AbortSignal): Promise<void> {
  const reader = new EventReader(log, PREFIX, ['id', 'type']);
  while (!signal.aborted) {
    for (const event of await reader.read(WAIT_MS, new AbortController().signal)) {
      seen.push(event);
      const { topic, key, value, headers } = event;
      screen.line(`${topic}  key ${key}  id ${headers.id}  type ${headers.type}  ${value}`);
    }
    await sleep(20);
  }
}

async function arrived(seen: readonly SeenEvent[], count: number): Promise<void> {
  const startedAt = performance.now();
  while (seen.length < count) {
    if (performance.now() - startedAt > STALL_MS) throw new TransientError('The last events do not arrive');
    await sleep(50);
  }
  await sleep(1_000); // whatever else comes is one too many
}

/** Whether each event that was committed was seen once, and those of one aggregate in the order of its steps. */
function verdict(seen: readonly SeenEvent[], written: readonly string[], screen: Screen): boolean {
  const ids = new Set(seen.map(({ headers }) => headers.id));
  const isWhole = ids.size === written.length && written.every((id) => ids.has(id));
  const isOnce = seen.length === ids.size;
  const steps = new Map<string, number>();
  const isOrdered = seen.every(({ key, value }) => {
    const { step } = JSON.parse(value ?? '{}') as { step: number };
    const before = steps.get(key ?? '') ?? 0;
    steps.set(key ?? '', step);
    return step === before + 1;
  });
  screen.line(
    `${written.length} rows committed, ${seen.length} events: ${isWhole && isOnce ? 'each row exactly once' : 'rows and events differ'}, ` +
      `${isOrdered ? 'in order per aggregate' : 'out of order'}, over ${RESTARTS} restarts`,
  );
  return isWhole && isOnce && isOrdered;
}
