import type { Server } from 'node:net';

/** A state of the daemon itself that keeps it from starting; the command ends by itself. */
export interface BadStart {
  readonly state: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files to write before, relative to the workplace. */
  readonly files?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: RegExp;
  /** What is to be done; may be said by the same sentence. */
  readonly advises: RegExp;
}

/** What is taken already. */
export interface Taken {
  readonly port: number;
  readonly state: string;
  readonly server: Server;
}

/** Command lines and surroundings with which no daemon can start. */
export function badStarts(taken: Pick<Taken, 'port' | 'state'>): readonly BadStart[] {
  return [
    {
      state: 'the port is in use',
      flags: ['--listeners', `http://127.0.0.1:${taken.port}`],
      code: 1,
      says: new RegExp(`127\\.0\\.0\\.1:${taken.port}.*in use`),
      advises: /listeners/,
    },
    {
      state: 'the state directory is locked by another daemon',
      flags: ['--state', taken.state],
      code: 1,
      says: /process \d+/,
      advises: /[Ss]top|--state|another directory/,
    },
    {
      state: 'the state directory is a file',
      files: { 'a-file': '' },
      flags: ['--state', 'a-file'],
      code: 1,
      says: /state directory .*a-file cannot be used/,
      advises: /--state/,
    },
    {
      state: 'the connector directory does not exist',
      flags: ['--connectors', 'nowhere'],
      code: 1,
      says: /nowhere cannot be read/,
      advises: /directory with connector files/,
    },
    {
      state: 'the worker file does not exist',
      flags: ['--config', 'nowhere.properties'],
      code: 1,
      says: /nowhere\.properties/,
      advises: /cannot be read|--config/,
    },
    {
      state: 'the worker file is broken',
      files: { 'worker.json': '{"listeners": ' },
      flags: ['--config', 'worker.json'],
      code: 1,
      says: /worker\.json.*not JSON/,
      advises: /position|line|not JSON/,
    },
    {
      state: 'an address for everybody without authentication',
      flags: ['--listeners', 'http://0.0.0.0:0'],
      code: 1,
      says: /listeners/,
      advises: /rest\.authentication/,
    },
    {
      state: 'a listener that is no URL',
      flags: ['--listeners', 'eight thousand'],
      code: 1,
      says: /listeners must be/,
      advises: /http:\/\/|URL/,
    },
    {
      state: 'a broker address without a port',
      flags: ['--bootstrap-servers', 'kafka'],
      code: 1,
      says: /bootstrap\.servers/,
      advises: /host:port/,
    },
    {
      state: 'SASL without a password',
      flags: ['--bootstrap-servers', '127.0.0.1:9'],
      env: { ROWCAST_SECURITY_PROTOCOL: 'SASL_SSL', ROWCAST_SASL_MECHANISM: 'SCRAM-SHA-512' },
      code: 1,
      says: /sasl\.(jaas\.config|username|password)/,
      advises: /required|set/i,
    },
    {
      state: 'a Java key store',
      flags: ['--bootstrap-servers', '127.0.0.1:9'],
      env: {
        ROWCAST_SECURITY_PROTOCOL: 'SSL',
        ROWCAST_SSL_TRUSTSTORE_LOCATION: 'trust.jks',
        ROWCAST_SSL_TRUSTSTORE_TYPE: 'JKS',
      },
      code: 1,
      says: /ssl\.truststore\.type/,
      advises: /PEM/,
    },
    {
      state: 'a number of threads that is none',
      flags: ['--threads', 'many'],
      code: 1,
      says: /worker\.threads must be a whole number/,
      advises: /from 0 to/,
    },
    {
      state: 'an unknown flag',
      flags: ['--conectors', 'x'],
      code: 2,
      says: /unknown option '--conectors'/,
      advises: /Did you mean --connectors/,
    },
    {
      state: 'an embedded log of a newer version',
      files: { 'state/log/catalog.json': 'rowcast 99 0\n{}' },
      code: 1,
      says: /newer|version 99|format 99/,
      advises: /newer Rowcast|start/i,
    },
  ];
}
