import type { Command } from 'commander';
import { type ConnectorFile, readConnectorFiles } from '../connector/load-file.ts';
import type { Environment } from '../connector/reference.ts';
import { loadWorkerConfig } from '../worker/load-worker-config.ts';
import type { WorkerConfig } from '../worker/worker-config.ts';

/** Which daemon an operator means: the same settings that it is started with. */
export interface OperatorFlags {
  readonly connectors?: string;
  readonly state?: string;
  readonly bootstrapServers?: string;
  readonly config?: string;
}

/** Adds the flags of `OperatorFlags`. */
export function withOperatorFlags(command: Command): Command {
  return command
    .option('--connectors <dir>', 'directory of connector files')
    .option('--state <dir>', "the daemon's state directory")
    .option('--bootstrap-servers <list>', 'Kafka brokers, when the daemon uses Kafka')
    .option('--config <file>', "the daemon's settings");
}

/** The daemon's settings as this command line and environment have them; warnings go to standard error. */
export function operatorConfig(flags: OperatorFlags, env: Environment): WorkerConfig {
  const { config, warnings } = loadWorkerConfig({
    file: flags.config,
    env,
    flags: {
      'connectors.dir': flags.connectors,
      'state.dir': flags.state,
      'bootstrap.servers': flags.bootstrapServers,
    },
  });
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  return config;
}

/** The connectors that have a valid file; what is wrong with the others goes to standard error. */
export function validConnectors(directory: string, env: Environment): readonly ConnectorFile[] {
  return readConnectorFiles(directory, env).flatMap((read) => {
    if ('connector' in read) return [read.connector];
    for (const problem of read.problems) process.stderr.write(`${read.file}: ${problem}\n`);
    return [];
  });
}
