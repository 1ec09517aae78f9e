import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { OperatorError } from '../../src/errors.ts';

/** What Maven fetches: the newest of each that Maven Central has and that work together. */
export const VERSIONS = {
  source: '3.7.0.Final',
  sink: '3.6.0.Final',
  connect: '4.3.0',
  registry: '2.6.13.Final',
} as const;

/** Where the parts of Debezium are. */
export interface DebeziumJars {
  /** Kafka Connect's own jars. */
  readonly connect: string;
  /** `plugin.path`: the source, the sink and the Avro converter. */
  readonly plugins: string;
  /** The Avro schema registry's runner. */
  readonly registryJar: string;
}

interface Dependency {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

const CONNECT: readonly Dependency[] = [
  ...['connect-runtime', 'connect-json', 'connect-transforms'].map((artifact) => ({
    group: 'org.apache.kafka',
    artifact,
    version: VERSIONS.connect,
  })),
  { group: 'org.slf4j', artifact: 'slf4j-simple', version: '1.7.36' },
];
const CONVERTER: readonly Dependency[] = [
  { group: 'io.apicurio', artifact: 'apicurio-registry-utils-converter', version: VERSIONS.registry },
];
const ARCHIVES = [
  { into: 'plugins', name: `io.debezium:debezium-connector-postgres:${VERSIONS.source}:tar.gz:plugin` },
  { into: 'plugins', name: `io.debezium:debezium-connector-jdbc:${VERSIONS.sink}:tar.gz:plugin` },
  { into: 'registry', name: `io.apicurio:apicurio-registry-app:${VERSIONS.registry}:tar.gz:all` },
] as const;
/** Connect has these itself, and two copies of a class do not know each other. */
const CONNECTS_OWN = /^(connect-|kafka-clients|slf4j-api)/;

const run = promisify(execFile);

/** Fetches about 260 MB by Maven the first time, and keeps them in the user's cache. Throws OperatorError without Maven. */
export async function debeziumJars(print: (line: string) => void): Promise<DebeziumJars> {
  const version = createHash('sha256').update(JSON.stringify(VERSIONS)).digest('hex').slice(0, 8);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const home = join(cache, 'rowcast', `debezium-${version}`);
  if (!existsSync(home)) {
    print('fetching Debezium by Maven, once');
    await mkdir(dirname(home), { recursive: true });
    const made = await mkdtemp(`${home}-`);
    try {
      await fetchAll(made);
      await rename(made, home);
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      if (!existsSync(home)) throw error;
    }
  }
  const runner = (await readdir(join(home, 'registry'))).find((name) => name.endsWith('-runner.jar'));
  if (runner === undefined)
    throw new OperatorError(`There is no registry in ${home}`, { advice: 'Remove the folder.' });
  return {
    connect: join(home, 'connect'),
    plugins: join(home, 'plugins'),
    registryJar: join(home, 'registry', runner),
  };
}

async function fetchAll(home: string): Promise<void> {
  await copyDependencies(home, 'connect', CONNECT);
  await copyDependencies(home, join('plugins', 'avro-converter'), CONVERTER);
  const converter = join(home, 'plugins', 'avro-converter');
  for (const name of await readdir(converter)) if (CONNECTS_OWN.test(name)) await rm(join(converter, name));
  for (const { into, name } of ARCHIVES) {
    const folder = join(home, into);
    await mkdir(folder, { recursive: true });
    await maven([
      'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
      `-Dartifact=${name}`,
      `-DoutputDirectory=${home}`,
    ]);
    const archive = (await readdir(home)).find((file) => file.endsWith('.tar.gz')) ?? '';
    await run('tar', ['-C', folder, '-xzf', join(home, archive)]);
    await rm(join(home, archive));
  }
}

async function copyDependencies(home: string, folder: string, dependencies: readonly Dependency[]): Promise<void> {
  const list = dependencies.map(
    ({ group, artifact, version }) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  const pom = join(home, 'pom.xml');
  await writeFile(
    pom,
    `<project><modelVersion>4.0.0</modelVersion><groupId>rowcast</groupId><artifactId>bench</artifactId><version>1</version><dependencies>${list.join('')}</dependencies></project>`,
  );
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
  await maven(['-f', pom, goal, '-DincludeScope=runtime', `-DoutputDirectory=${join(home, folder)}`]);
}

async function maven(args: readonly string[]): Promise<void> {
  try {
    await run('mvn', ['-B', '-q', ...args], { maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    throw new OperatorError('Maven could not fetch Debezium', {
      cause: error,
      advice: 'Install Maven and check its network access, or leave debezium out of --against.',
    });
  }
}
