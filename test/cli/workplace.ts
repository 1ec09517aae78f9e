import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import type { BuiltCommand, Run } from './command.ts';

type Config = Readonly<Record<string, string>>;

/** A directory of one's own with connector files and the state of one daemon. */
export interface Workplace extends AsyncDisposable {
  readonly directory: string;
  readonly connectors: string;
  readonly state: string;
  /** Puts a file in place at once, as an editor does: `content` is text, or a connector. */
  write(file: string, content: string | { readonly name: string; readonly config: Config }): Promise<void>;
  remove(file: string): Promise<void>;
  /** Starts the daemon on a free port; further flags may follow. */
  start(command: BuiltCommand, flags?: readonly string[], env?: Config): Run;
  /** Where the daemon that runs here listens; waits until it does. */
  url(): Promise<string>;
}

/** Makes a new, empty workplace; it is removed when it is disposed of. */
export async function makeWorkplace(): Promise<Workplace> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-work-'));
  const connectors = join(directory, 'connectors');
  const state = join(directory, 'state');
  await mkdir(connectors);
  return {
    directory,
    connectors,
    state,
    async write(file, content) {
      const text = typeof content === 'string' ? content : JSON.stringify(content, undefined, 2);
      await writeFile(join(directory, 'next'), text);
      await rename(join(directory, 'next'), join(connectors, file));
    },
    remove: (file) => rm(join(connectors, file)),
    start: (command, flags = [], env = {}) =>
      command.run(
        ['start', '--connectors', connectors, '--state', state, '--listeners', 'http://127.0.0.1:0', ...flags],
        env,
      ),
    async url() {
      const read = async (): Promise<string | undefined> => {
        const text = await readFile(join(state, 'daemon.json'), 'utf8').catch(() => '{}');
        return (JSON.parse(text) as { readonly url?: string }).url;
      };
      await expect.poll(read, { timeout: 60_000 }).toBeDefined();
      return (await read()) as string;
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The config of a WAL source of this database. */
export function sourceConfig(database: ConnectionSettings, prefix: string, more: Config = {}): Config {
  const { host, port, user, password } = database;
  return {
    'connector.class': 'PostgresWalSource',
    'database.hostname': host,
    'database.port': String(port),
    'database.user': user,
    ...(password === undefined ? {} : { 'database.password': password }),
    'database.dbname': database.database,
    'topic.prefix': prefix,
    'slot.name': `${prefix.replaceAll('-', '_')}_slot`,
    'publication.name': `${prefix}_publication`,
    ...more,
  };
}

/** The config of a sink into this database. */
export function sinkConfig(database: ConnectionSettings, prefix: string, more: Config = {}): Config {
  const { host, port, user, password } = database;
  return {
    'connector.class': 'PostgresSink',
    'connection.url': `jdbc:postgresql://${host}:${port}/${database.database}`,
    'connection.username': user,
    ...(password === undefined ? {} : { 'connection.password': password }),
    'topic.prefix': prefix,
    ...more,
  };
}
