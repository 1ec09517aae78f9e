import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { VERSIONS } from './contestants/debezium-jars.ts';
import type { Conditions, ContestantName } from './measurement.ts';
import type { Servers } from './servers.ts';

/** What a reader needs to judge the numbers, and to repeat them. */
export async function conditionsOf(
  root: string,
  command: string,
  contestants: readonly ContestantName[],
  servers: Servers,
): Promise<Conditions> {
  const { rows } = await servers.sourceClient.query<{ server_version: string }>(/* sql */ `show server_version`);
  const commit = await promisify(execFile)('git', ['-C', root, 'rev-parse', '--short', 'HEAD']).then(
    ({ stdout }) => stdout.trim(),
    () => 'unknown', // a copy without history
  );
  return {
    date: new Date().toISOString(),
    command,
    commit,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    versions: {
      node: process.versions.node,
      postgres: rows[0]?.server_version ?? 'unknown',
      ...(servers.kafka && { kafka: '4.1.0' }),
      ...(contestants.includes('debezium') && {
        'debezium source': VERSIONS.source,
        'debezium JDBC sink': VERSIONS.sink,
        'kafka connect': VERSIONS.connect,
      }),
    },
  };
}
