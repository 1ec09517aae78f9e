import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../connector/reference.ts';
import { Campaign } from './campaign.ts';
import { DaemonClock } from './daemon-clock.ts';
import { mountSmallDisk } from './faults/disk-full.ts';
import type { FaultKind, RunShape } from './faults/fault.ts';
import { FAULTS } from './faults/faults.ts';
import { assertNamespaces } from './faults/zombie.ts';
import { measureFastStop } from './fast-stop.ts';
import { catchUp, judge } from './judge.ts';
import { LogView } from './log-view.ts';
import type { LogName } from './names.ts';
import { type Network, startNetwork } from './network.ts';
import { planKills, withFaults } from './plan.ts';
import type { CaptureProfile } from './profile.ts';
import { Random } from './random.ts';
import { prepareReplica } from './replica-schema.ts';
import { judgeProgress } from './progress-audit.ts';
import type { Report } from './report.ts';
import { restartsOf } from './restart.ts';
import { judgeResources, Resources } from './resources.ts';
import { compareTruth, SecondSlot } from './second-slot.ts';
import { PREFIX, reachedBy, startServers, type Servers, writeConnectors } from './servers.ts';
import { Service } from './service.ts';
import type { Stage } from './stage.ts';
import { Watcher } from './watcher.ts';
import { prepareSource, Workload } from './workload.ts';

/** The file in a campaign's folder with all that the service has said. */
export const SERVICE_OUTPUT = 'service.txt';

export interface TortureOptions {
  readonly profile: CaptureProfile;
  readonly log: LogName;
  /** Of Kafka. */
  readonly brokers: number;
  readonly kills: number;
  /** How often each kind of fault is to strike. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly seed: number;
  /** So long from the beginning of one fault to that of the next, at least. */
  readonly paceMs: number;
  /** The service's compiled main.js. */
  readonly main: string;
  /** What the service inherits, but for its settings: those of somebody's daemon are not for it. */
  readonly env: Environment;
  /** A folder for everything that the run leaves behind; the servers' data too when `keep`. */
  readonly directory: string;
  readonly keep: boolean;
}

/** Runs one campaign on one log and tells how it went: clean when nothing was lost, duplicated or torn, and no moment left out. */
export async function torture(options: TortureOptions, report: Report, signal: AbortSignal): Promise<void> {
  const { profile, log: kind, faults } = options;
  const shape = shapeOf(options);
  const also = faults.size === 0 ? '' : `, faults ${[...faults].map(([name, times]) => `${name} ${times}`).join(', ')}`;
  const among = shape.brokers > 1 ? ` of ${shape.brokers} brokers` : '';
  report.line(`\nsource ${profile.name}, ${kind} log${among}, ${options.kills} kills, seed ${options.seed}${also}`);
  const impossible = [...faults.keys()].filter((name) => FAULTS.get(name)?.targets(shape).length === 0);
  if (impossible.length > 0) report.line(`cannot be caused here: ${impossible.join(', ')}`);
  const state = join(options.directory, 'state');
  await mkdir(state);
  await using _disk = faults.has('disk-full') && kind === 'embedded' ? await mountSmallDisk(state) : undefined;
  if (faults.has('zombie') && kind === 'embedded') await assertNamespaces();
  await using network = faults.size > 0 ? await startNetwork(shape.brokers) : undefined;
  await using servers = await startServers(
    shape.brokers,
    options.keep ? options.directory : undefined,
    network,
    signal,
  );
  await prepareSource(servers.source, profile);
  await prepareReplica(servers.replica);
  const daemonClock = faults.has('clock') ? new DaemonClock(options.directory) : undefined;
  await using service = await makeService(options, servers, state, network, daemonClock);
  await using watcher = new Watcher(servers.replica);
  await using resources = new Resources(service, servers.source);
  await using truth = new SecondSlot(servers.source);
  await truth.begin();
  await using workload = new Workload(servers.source, profile, options.seed, () => watcher.replicated);
  const log = servers.kafka
    ? LogView.ofKafka(servers.kafka.bootstrap, PREFIX)
    : LogView.ofDirectory(join(state, 'log'), PREFIX);
  const stage: Stage = { profile, servers, service, workload, watcher, log, network, daemonClock, report, signal };
  try {
    await campaign(options, stage, { resources, truth });
  } catch (error) {
    for (const what of watcher.torn) report.problem(what); // seen before it stood still, and may be why
    throw error;
  }
}

/** Those who watch from the side. */
interface Bystanders {
  readonly resources: Resources;
  readonly truth: SecondSlot;
}

function shapeOf({ log, profile, brokers }: TortureOptions): RunShape {
  return { log, source: profile.name, brokers: log === 'kafka' ? brokers : 0 };
}

async function campaign(options: TortureOptions, stage: Stage, { resources, truth }: Bystanders): Promise<void> {
  const { kills, seed, faults, log, paceMs } = options;
  const { profile, report, servers, workload, watcher } = stage;
  const shape = shapeOf(options);
  const random = new Random(seed);
  // A handful of kills cannot be asked to hit what is rare.
  const everyMoment = kills >= 10;
  const run = new Campaign(stage, random, paceMs);
  const planned = planKills(profile, log, kills, restartsOf(shape.brokers), random);
  const armed = [...planned.snapshot, ...planned.stream].flatMap((each) =>
    each.kind === 'failpoint' ? each.point : [],
  );
  const points = kills >= 30 ? [...new Set(armed)] : [];
  await run.run(withFaults(planned, faults, shape, random));
  if (everyMoment) await run.fillUp(points);
  await run.settle();
  await workload.stop();
  const transactions = await catchUp(stage);
  const verdict = await judge(stage, transactions);
  await truth.finish();
  if (truth.failure !== undefined) throw truth.failure;
  // Polls tell states, not transactions: there the order is that of states.
  const isToldApart = profile.tells === 'transactions';
  const untrue = isToldApart ? await compareTruth(truth.told, servers.replica) : [];
  const needed = judgeResources(resources.samples, resources.mostRetainedBytes);
  const found = [...untrue, ...(await judgeProgress(servers.replica)), ...needed.problems];
  await measureFastStop(stage, () => run.stop());
  const copies = await stage.log.copies(stage.signal);
  report.histogram();
  for (const moment of everyMoment ? profile.moments : []) {
    if (report.moments.get(moment) === 0) report.problem(`no kill ${moment}`);
  }
  for (const point of points) {
    if (!report.points.has(point)) report.problem(`no kill at ${point}`);
  }
  for (const [kind, targets] of report.faults) {
    for (const [target, hits] of targets) if (hits === 0) report.problem(`${kind} has never hit: ${target}`);
  }
  if (copies.afterFinished > 0) report.problem(`${copies.afterFinished} full copies after the first was finished`);
  for (const what of [...watcher.torn, ...verdict.differences, ...found]) report.problem(what);
  report.line(needed.line);
  if (isToldApart) report.line(`${truth.told.length} transactions told by test_decoding compared with the replica`);
  report.line(
    `${transactions} transactions (${workload.giants} of 50000 changes, ${workload.designs} with DDL, ${workload.drafts} with TRUNCATE, ${workload.rolledBack} more rolled back), ` +
      `the replica judged ${watcher.judged} times meanwhile; ${copies.begun} copies begun, one finished; ${report.restarts} restarts of servers`,
  );
  if (report.extraKills > 0) report.line(`${report.extraKills} more kills for what chance had left out`);
  Object.assign(report, { lost: verdict.lost, duplicated: verdict.duplicated, torn: verdict.torn });
  report.verdict(1);
}

/** How long a broker may take to answer, where the network is at fault. */
const ANSWER_MS = 5000;
/** Another run may go on beside this one. */
const ANY_PORT = ['--listeners', 'http://127.0.0.1:0'];

async function makeService(
  { profile, log, main, env, directory }: TortureOptions,
  servers: Servers,
  state: string,
  network: Network | undefined,
  daemonClock: DaemonClock | undefined,
): Promise<Service> {
  const connectors = join(directory, 'connectors');
  const settings = await writeConnectors(connectors, reachedBy(servers, network), profile.settings);
  const brokers = network?.brokers ?? servers.kafka?.brokers ?? [];
  const bootstrap = brokers.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const kafka = log === 'kafka' ? ['--bootstrap-servers', bootstrap] : [];
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ROWCAST_')));
  // What somebody's Node.js is told to load stays, and comes first.
  const node = [inherited['NODE_OPTIONS'], daemonClock?.option].filter((option) => option !== undefined).join(' ');
  return new Service({
    main,
    args: ['start', '--connectors', connectors, ...ANY_PORT, ...kafka],
    env: {
      ...inherited,
      ...settings,
      ...(daemonClock && { NODE_OPTIONS: node }),
      ...(network && { ROWCAST_REQUEST_TIMEOUT_MS: String(ANSWER_MS) }),
    },
    logFile: join(directory, SERVICE_OUTPUT),
    state: { directory: state, ownsLog: log === 'embedded' },
  });
}
