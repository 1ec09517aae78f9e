import type pg from 'pg';
import { describeError } from '../../src/errors.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { ConnectionSettings } from '../../src/postgres/connection-settings.ts';
import type { FieldModes } from '../../src/converter/avro/modes.ts';
import { Replication, type Running } from '../pipeline/replication.ts';

const SETTLE_ATTEMPTS = 8;

/** Two databases of one server, and the pipeline between them. */
export interface World extends AsyncDisposable {
  readonly source: pg.Client;
  readonly replica: pg.Client;
  /** The server's major version. */
  readonly version: number;
  readonly replication: Replication;
  start(): void;
  /** The sink looks at the constraints of its tables when it first meets them: after they were changed by hand it begins anew. */
  restartSink(): Promise<void>;
  /** Waits until the replica shows what the source has committed; throws what ended the pipeline, with its causes. */
  settled(): Promise<void>;
}

/** Connects to both databases; `sink` is what the sink signs in with, if not with the replica's own settings. */
export async function openWorld(
  settings: ConnectionSettings,
  target: ConnectionSettings,
  sink: ConnectionSettings = target,
  modes: Partial<FieldModes> = {},
): Promise<World> {
  const [source, replica] = [await connect(settings, 'fidelity'), await connect(target, 'fidelity')];
  const found = await source.query<{ version: number }>(
    `select current_setting('server_version_num')::int / 10000 as version`,
  );
  const replication = await Replication.open({ source: settings, target: sink, modes });
  let sinking: Running | undefined;
  return {
    source,
    replica,
    version: found.rows[0]?.version ?? 0,
    replication,
    start: () => {
      replication.startSource();
      sinking = replication.startSink();
    },
    restartSink: async () => {
      await sinking?.stop();
      sinking = replication.startSink();
    },
    settled: () => settled(replication),
    async [Symbol.asyncDispose]() {
      await replication[Symbol.asyncDispose]();
      await source.end();
      await replica.end();
    },
  };
}

async function settled(replication: Replication): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await replication.settled();
    } catch (error) {
      const isLate = error instanceof Error && error.message.startsWith('Waited in vain');
      if (isLate && attempt < SETTLE_ATTEMPTS) continue;
      throw new Error(`The pipeline stopped: ${describeError(error)}`, { cause: error });
    }
  }
}
