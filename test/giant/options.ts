import { parseArgs } from 'node:util';
import { wholeNumber } from '../support/command-line.ts';

/** What a run is asked for. */
export interface Options {
  readonly shape: 'narrow' | 'wide';
  readonly rows: number;
  /** The most that the daemon's process may ever have in memory, in MiB. */
  readonly memory: number;
  readonly log: 'embedded' | 'kafka';
  /** Kill the daemon half-way at the source, and again half-way at the replica. */
  readonly kill: boolean;
  /** Roll a transaction of the same size back first. */
  readonly rollback: boolean;
  /** Partitions of the table's topic; the embedded log has one. */
  readonly partitions: number;
  readonly keep: boolean;
  /** The service's main.js; by default that of `npm run build`. */
  readonly main: string | undefined;
}

export const HELP = `Replicates one giant transaction by a daemon whose memory is limited, and proves that it arrived whole and at once.

npm run giant -- [options]
  --rows N      rows of the transaction (10000000; 1000 when wide)
  --shape S     narrow: some 100 bytes a row; wide: 5 MB a row (narrow)
  --memory N    the most that the daemon may ever have in memory, in MiB (512)
  --kafka       through a real Kafka, instead of the embedded log
  --kill        kill the daemon half-way at the source, and again half-way at the replica
  --rollback    roll a transaction of the same size back first: nothing of it may arrive
  --keep        keep data, log files and connector files, and say where
  --main FILE   the service to run (dist/main.js)
  --from-source run src/ as it stands instead, without a build
  --help        this text`;

/** Reads the command line; throws with what is wrong with it. Undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      shape: { type: 'string', default: 'narrow' },
      memory: { type: 'string', default: '512' },
      kafka: { type: 'boolean', default: false },
      kill: { type: 'boolean', default: false },
      rollback: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      main: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { shape, kafka, kill, rollback, keep, main } = values;
  if (shape !== 'narrow' && shape !== 'wide') throw new Error('--shape is narrow or wide');
  return {
    shape,
    rows: wholeNumber('rows', values.rows ?? (shape === 'narrow' ? '10000000' : '1000'), 1),
    memory: wholeNumber('memory', values.memory, 1),
    log: kafka ? 'kafka' : 'embedded',
    kill,
    rollback,
    partitions: kafka ? 3 : 1,
    keep,
    main,
  };
}
