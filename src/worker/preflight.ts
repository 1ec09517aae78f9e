import { join } from 'node:path';
import { endAfter } from '../deadline.ts';
import { type ConnectorFile, isSource, type ReadFile, type SourceConnector } from '../connector/load-file.ts';
import { nearest } from '../connector/nearest.ts';
import { describeError, OperatorError, TransientError } from '../errors.ts';
import type { Finding } from '../finding.ts';
import { checkDirectory } from '../log/embedded/preflight/preflight.ts';
import type { WantedTopic } from '../log/kafka/preflight/judge-topics.ts';
import { checkKafka } from '../log/kafka/preflight/preflight.ts';
import { failedLook } from '../postgres/preflight/connection-finding.ts';
import { checkPostgresSink } from '../sink/postgres/preflight/preflight.ts';
import type { SourceView } from '../sink/postgres/preflight/source-view.ts';
import type { SourcePreflight } from '../source/capture/preflight/source-preflight.ts';
import { checkTriggerSource } from '../source/trigger/preflight/preflight.ts';
import { checkQuerySource } from '../source/query/preflight/preflight.ts';
import { checkWalSource } from '../source/wal/preflight/preflight.ts';
import { type DaemonFile, findDaemon } from './daemon-file.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { checkPort, checkRegistry } from './preflight/check-endpoints.ts';
import { checkResume } from './preflight/check-resume.ts';
import { isObstructed, otherWay } from './preflight/judge-capture.ts';
import { withoutOutboxes } from './preflight/judge-outbox.ts';
import { judgeRecords } from './preflight/judge-records.ts';
import { capturableOf, recommend } from './preflight/recommend.ts';
import { schemasTopic, wantedTopics } from './preflight/wanted-topics.ts';
import {
  outboxSettings,
  postgresSinkSettings,
  querySourceSettings,
  replayedPrefix,
  tableFilter,
  triggerSourceSettings,
  walSourceSettings,
} from './settings.ts';
import type { WorkerConfig } from './worker-config.ts';

/** A finding and whose it is; without a connector it is about what all of them share. */
export interface ConnectorFinding extends Finding {
  readonly connector: string | undefined;
}

type SharedConfig = Pick<WorkerConfig, 'stateDir' | 'kafka' | 'registry' | 'rest'>;

/** What is to be looked at. */
export interface PreflightOptions {
  /** Undefined when it is not valid: then what it tells of is not looked at. */
  readonly config: SharedConfig | undefined;
  /** All files of the directory. */
  readonly files: readonly ReadFile[];
  /** Only these connectors; empty: all. */
  readonly names: readonly string[];
}

/** Nothing takes longer than this on one server, whatever it does. */
const SERVER_TIMEOUT_MS = 60_000;

type Sources = ReadonlyMap<string, SourcePreflight>;

/**
 * Looks at everything that the connectors need, and changes nothing anywhere. What cannot be reached is one finding, and the rest goes on.
 * In the order of the files, each connector's together, the shared ones last.
 */
export async function preflight(options: PreflightOptions, signal: AbortSignal): Promise<readonly ConnectorFinding[]> {
  const { config, files, names } = options;
  const isWanted = (name: string | undefined): boolean =>
    names.length === 0 || (name !== undefined && names.includes(name));
  const all = files.flatMap((read) => ('connector' in read ? [read.connector] : []));
  const wanted = all.filter(({ name }) => isWanted(name));
  const sources = await lookAtSources(all, wanted, signal);
  const daemon = config && (await runningDaemon(config.stateDir));
  const [sinks, { shared, resumes }] = await Promise.all([
    lookAtSinks(all, wanted, sources, daemon?.running !== undefined, signal),
    config === undefined || daemon === undefined ? NOTHING : lookAtLog(config, daemon, wanted, sources, signal),
  ]);
  const found: ConnectorFinding[] = files.flatMap((read) =>
    judgeFile(read).filter(({ connector }) => isWanted(connector)),
  );
  for (const connector of wanted) {
    const { name } = connector;
    const findings = isSource(connector) ? ofSource(connector, sources) : sinks.get(name);
    found.push(...named(name, [...(findings ?? []), ...(resumes.get(name) ?? [])]));
  }
  return [...found, ...named(undefined, shared)];
}

function ofSource({ name, config }: SourceConnector, sources: Sources): readonly Finding[] {
  const looked = sources.get(name);
  return [...(looked?.findings ?? []), ...judgeRecords(config.topicPrefix, looked?.tables ?? [])];
}

function named(connector: string | undefined, findings: readonly Finding[]): readonly ConnectorFinding[] {
  return findings.map((finding) => ({ connector, ...finding }));
}

function judgeFile(read: ReadFile): readonly ConnectorFinding[] {
  const [check, object] = ['file', `file ${read.file}`];
  if ('connector' in read) {
    const { name, warnings } = read.connector;
    return warnings.map((message) => ({ connector: name, level: 'warning', check, object, message }));
  }
  const connector = read.name ?? read.file;
  return read.problems.map((message) => ({ connector, level: 'problem', check, object, message }));
}

/** Also those that are not asked for but feed a sink that is: its tables are compared with theirs. */
async function lookAtSources(
  all: readonly ConnectorFile[],
  wanted: readonly ConnectorFile[],
  signal: AbortSignal,
): Promise<Sources> {
  const prefixes = new Set(wanted.flatMap((each) => (isSource(each) ? [] : [replayedPrefix(each.config)])));
  const looked = new Map<string, SourcePreflight>();
  const sources = all.filter(isSource);
  const needed = sources.filter((each) => wanted.includes(each) || prefixes.has(each.config.topicPrefix));
  await Promise.all(
    needed.map(async (source) => {
      const found = await lookAtSource(source, bounded(signal));
      const other = await otherCapture(source, found.findings, bounded(signal));
      const whole = { ...found, findings: [...found.findings, ...other] };
      looked.set(source.name, withoutOutboxes(whole, outboxSettings(source.config)));
    }),
  );
  return looked;
}

async function lookAtSource(connector: SourceConnector, signal: AbortSignal): Promise<SourcePreflight> {
  const { name } = connector;
  switch (connector.kind) {
    case 'PostgresWalSource':
      return await checkWalSource(walSourceSettings(name, connector.config), nearest, signal);
    case 'PostgresTriggerSource':
      return await checkTriggerSource(triggerSourceSettings(name, connector.config), nearest, signal);
    case 'PostgresQuerySource':
      return await checkQuerySource(querySourceSettings(name, connector.config), nearest, signal);
    default:
      return connector satisfies never;
  }
}

/** What else would work where the connector's own way of capture does not. What fails is told by the first look. */
async function otherCapture(
  connector: SourceConnector,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (!isObstructed(findings) || !findings.some(({ level, check }) => level === 'ok' && check === 'reachable'))
    return [];
  try {
    const found = otherWay(connector.kind, await recommend(capturableOf(connector), signal), connector.config.database);
    return found === undefined ? [] : [found];
  } catch (error) {
    if (!(error instanceof OperatorError || error instanceof TransientError)) throw error;
    return [failedLook(error, 'capture', `database ${connector.config.database}`)];
  }
}

async function lookAtSinks(
  all: readonly ConnectorFile[],
  wanted: readonly ConnectorFile[],
  sources: Sources,
  isRunning: boolean,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const looked = new Map<string, readonly Finding[]>();
  await Promise.all(
    wanted.map(async (connector) => {
      if (isSource(connector)) return;
      const { name, config } = connector;
      const source = all.find((each) => isSource(each) && each.config.topicPrefix === replayedPrefix(config));
      const view = source && viewOf(sources.get(source.name), tableFilter(config));
      looked.set(name, await checkPostgresSink(postgresSinkSettings(name, config), view, bounded(signal), isRunning));
    }),
  );
  return looked;
}

function viewOf(
  source: SourcePreflight | undefined,
  accepts: ((table: { readonly schema: string; readonly name: string }) => boolean) | undefined,
): SourceView | undefined {
  if (source === undefined || accepts === undefined) return source;
  return { ...source, tables: source.tables?.filter(accepts) };
}

/** The daemon that runs on the state directory, if there is one, and what stood in the way of looking for it. */
interface LocalDaemon {
  readonly running: DaemonFile | undefined;
  readonly findings: readonly Finding[];
}

async function runningDaemon(stateDir: string): Promise<LocalDaemon> {
  try {
    return { running: await findDaemon(stateDir), findings: [] };
  } catch (error) {
    const message = `Whether a daemon runs on it could not be looked at: ${describeError(error)}.`;
    const finding: Finding = { level: 'unknown', check: 'directory', object: `directory ${stateDir}`, message };
    return { running: undefined, findings: [finding] };
  }
}

/** What all connectors share, and what its log says of each source. */
interface LookedAtLog {
  readonly shared: readonly Finding[];
  readonly resumes: ReadonlyMap<string, readonly Finding[]>;
}

const NOTHING: LookedAtLog = { shared: [], resumes: new Map() };

/** The log is read only where nothing stands in the way of it: one reason is told once. Sources whose server has a problem have it first. */
async function lookAtLog(
  config: SharedConfig,
  daemon: LocalDaemon,
  wanted: readonly ConnectorFile[],
  sources: Sources,
  signal: AbortSignal,
): Promise<LookedAtLog> {
  const shared = await lookAtShared(config, daemon, wanted, sources, signal);
  if (shared.some(({ level, check }) => level !== 'ok' && IN_THE_WAY.has(check))) return { shared, resumes: new Map() };
  const readable = wanted.filter(isSource);
  const { running } = daemon;
  const seen = readable.filter(({ name }) => sources.get(name)?.database !== undefined);
  return { shared, resumes: await checkResume({ config, running, sources: seen }, bounded(signal)) };
}

/** Checks of the log's place that have failed when it cannot be opened. */
const IN_THE_WAY: ReadonlySet<string> = new Set(['lock', 'directory', 'reachable', 'tls', 'credentials', 'version']);

async function lookAtShared(
  { stateDir, kafka, registry, rest }: SharedConfig,
  { running, findings }: LocalDaemon,
  wanted: readonly ConnectorFile[],
  sources: Sources,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const found: Finding[] = [...findings];
  found.push(...(await checkDirectory(stateDir, running?.pid)));
  if (kafka === undefined) {
    const isHeld = ({ level, check }: Finding): boolean => level !== 'ok' || check === 'lock';
    found.push(...(await checkDirectory(join(stateDir, 'log'), running?.pid)).filter(isHeld));
  } else {
    const topics = topicsOf(wanted, sources, registry === undefined);
    found.push(...(await checkKafka(kafkaSettings(kafka, 'check'), topics, bounded(signal))));
  }
  if (rest !== undefined) found.push(...(await checkPort(rest, running)));
  const registries = new Map(
    [registry, ...wanted.map((each) => each.config.registry)].map((each) => [JSON.stringify(each), each]),
  );
  for (const each of registries.values()) if (each !== undefined) found.push(...(await checkRegistry(each)));
  return found;
}

/** Of two wishes for one topic the writer's counts. */
function topicsOf(wanted: readonly ConnectorFile[], sources: Sources, isBuiltIn: boolean): readonly WantedTopic[] {
  const topics = wanted.flatMap((connector) => wantedTopics(connector, sources.get(connector.name)?.tables ?? []));
  const hasSource = wanted.some(isSource);
  if (isBuiltIn && wanted.length > 0) topics.push(schemasTopic(hasSource));
  const byName = new Map<string, WantedTopic>();
  for (const topic of topics) {
    if (byName.get(topic.spec.name)?.isWritten !== true) byName.set(topic.spec.name, topic);
  }
  return [...byName.values()];
}

function bounded(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, endAfter(SERVER_TIMEOUT_MS)]);
}
