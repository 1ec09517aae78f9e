import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { OperatorError } from '../errors.ts';

const run = promisify(execFile);

/** The command that starts Java 17 or newer; undefined where there is none. `JAVA_HOME` goes before the path. */
export async function findJava(): Promise<string | undefined> {
  const home = process.env.JAVA_HOME;
  const candidates = home === undefined ? ['java'] : [path.join(home, 'bin', 'java'), 'java'];
  for (const command of candidates) {
    const version = await javaVersion(command);
    if (version !== undefined && version >= 17) return command;
  }
  return undefined;
}

/** True where a broker can be started: Java is there, and the jars are, or Maven to fetch them. */
export async function canStartKafka(): Promise<boolean> {
  if ((await findJava()) === undefined) return false;
  if (existsSync(jarsPath())) return true;
  return await run('mvn', ['-v']).then(
    () => true,
    () => false,
  );
}

/** The major version that `java -version` prints; undefined when it cannot be started: then it is as good as missing. */
async function javaVersion(command: string): Promise<number | undefined> {
  try {
    const { stderr } = await run(command, ['-version']);
    const major = /version "(\d+)/.exec(stderr)?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}

/**
 * The folder with Kafka's jars, fetched by Maven (about 45 MB) the first time and kept in the user's cache. Several processes
 * may ask at once: each fetches into a folder of its own, and the first one that has finished gives it its name.
 */
export async function kafkaJars(signal?: AbortSignal): Promise<string> {
  const jars = jarsPath();
  if (existsSync(jars)) return jars;
  await mkdir(path.dirname(jars), { recursive: true });
  const fetched = await mkdtemp(`${jars}-`);
  try {
    await copyDependencies(pomPath(), fetched, signal);
    await rename(fetched, jars);
  } catch (error) {
    await rm(fetched, { recursive: true, force: true });
    if (!existsSync(jars)) throw error; // otherwise another process was faster
  }
  return jars;
}

function pomPath(): string {
  return path.join(packageRoot(), 'deploy', 'kafka', 'pom.xml');
}

/** Named after the pom's content, so that another pom never finds the jars of this one. */
function jarsPath(): string {
  const digest = createHash('sha256').update(readFileSync(pomPath())).digest('hex').slice(0, 8);
  const cache = process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache');
  return path.join(cache, 'rowcast', `kafka-4.1.0-${digest}`);
}

async function copyDependencies(pom: string, directory: string, signal: AbortSignal | undefined): Promise<void> {
  const args = ['-B', '-q', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${directory}`];
  try {
    await run('mvn', args, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new OperatorError(
      missing ? 'Maven (mvn) is not installed' : 'Maven could not fetch the jars of Apache Kafka',
      {
        cause: error,
        advice:
          'Install Maven and check its network access, or point bootstrap.servers at a Kafka that runs elsewhere.',
      },
    );
  }
}

/** The folder of our package.json: the same from src/ and from dist/. */
function packageRoot(): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(directory, 'package.json'))) {
    const parent = path.dirname(directory);
    if (parent === directory) throw new Error('No package.json above the code of Rowcast');
    directory = parent;
  }
  return directory;
}
