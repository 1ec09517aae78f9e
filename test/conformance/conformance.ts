import { canStartKafka, startKafka } from '../../src/servers/kafka-server.ts';
import { startPostgres } from '../../src/servers/postgres-server.ts';
import { SOURCE_CHECKS, sourceConformance } from '../../src/conformance/source-conformance.ts';
import type { ConformancePlace } from '../../src/conformance/source-kit.ts';
import { SOURCE_KITS } from './kits.ts';
import { kafkaLog, scratchEmbeddedLog } from './logs.ts';
import type { ConformanceOptions, LogName } from './options.ts';
import { type Verdict, verdictTable } from './table.ts';

type Print = (line: string) => void;
type Verdicts = Map<string, Map<string, Verdict>>;

/** Runs the suite for each source on each log, on servers of its own. Returns 0 when every check has passed. */
export async function runConformance(options: ConformanceOptions, print: Print, signal: AbortSignal): Promise<number> {
  await using source = await startPostgres();
  await using replica = await startPostgres();
  const tables: string[] = [];
  let isClean = true;
  for (const log of options.logs) {
    const servers = { source: source.settings(), replica: replica.settings(), effort: options.effort };
    const verdicts = await onLog(log, options, servers, print, signal);
    isClean &&= [...verdicts.values()].every((row) => [...row.values()].every((each) => each !== 'FAILED'));
    tables.push(verdictTable(log, options.properties, verdicts));
  }
  print(`\n${tables.join('\n\n')}`);
  return isClean && !signal.aborted ? 0 : 1;
}

async function onLog(
  log: LogName,
  options: ConformanceOptions,
  servers: Omit<ConformancePlace, 'openLog'>,
  print: Print,
  signal: AbortSignal,
): Promise<Verdicts> {
  if (log === 'embedded') {
    return await withLog(log, options, { ...servers, openLog: scratchEmbeddedLog }, print, signal);
  }
  if (!(await canStartKafka())) {
    print('kafka: skipped, because there is no Java 17 with Maven to start it');
    const row = new Map<string, Verdict>(options.properties.map((property) => [property, 'skipped']));
    return new Map(options.sources.map((name) => [name, row]));
  }
  const kafka = await startKafka();
  try {
    const openLog = () => kafkaLog(kafka.bootstrap);
    return await withLog(log, options, { ...servers, openLog }, print, signal);
  } finally {
    await kafka[Symbol.asyncDispose]();
  }
}

async function withLog(
  log: LogName,
  { sources, properties }: ConformanceOptions,
  place: ConformancePlace,
  print: Print,
  signal: AbortSignal,
): Promise<Verdicts> {
  const verdicts: Verdicts = new Map();
  const checks = SOURCE_CHECKS.filter(({ property }) => properties.includes(property));
  for (const kit of SOURCE_KITS.filter(({ name }) => sources.includes(name))) {
    const row = new Map<string, Verdict>();
    verdicts.set(kit.name, row);
    for await (const { source, property, seen, error } of sourceConformance(kit, place, checks)) {
      const verdict = error === undefined ? 'passed' : 'FAILED';
      row.set(property, verdict);
      print(`${verdict}  ${log}  ${source}: ${property}: ${seen}`);
      if (signal.aborted) return verdicts;
    }
  }
  return verdicts;
}
