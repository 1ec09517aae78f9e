import type pg from 'pg';
import { describeError } from '../../src/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/postgres/identifier.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { PostgresServer } from '../../src/cli/demo/postgres-server.ts';
import { Replication } from '../pipeline/replication.ts';

const SETTLE_ATTEMPTS = 8;

/** Two databases of one server, and the pipeline between them. */
export interface World extends AsyncDisposable {
  readonly source: pg.Client;
  readonly replica: pg.Client;
  /** The server's major version. */
  readonly version: number;
  readonly replication: Replication;
  start(): void;
  /** Waits until the replica shows what the source has committed; throws what ended the pipeline, with its causes. */
  settled(): Promise<void>;
}

/** Creates the databases `name` and `name`_replica; the sink signs in as `user` where one is given. */
export async function openWorld(server: PostgresServer, name: string, sinkUser?: string): Promise<World> {
  const settings = await server.createDatabase(name);
  const target = await server.createDatabase(`${name}_replica`);
  const [source, replica] = [await connect(settings, 'fidelity'), await connect(target, 'fidelity')];
  const found = await source.query<{ version: number }>(
    `select current_setting('server_version_num')::int / 10000 as version`,
  );
  if (sinkUser !== undefined) {
    const role = quoteIdentifier(sinkUser);
    await replica.query(`create role ${role} login password ${quoteLiteral(sinkUser)}`);
    await replica.query(`grant all on database ${quoteIdentifier(target.database)} to ${role}`);
  }
  const sink = sinkUser === undefined ? target : { ...target, user: sinkUser, password: sinkUser };
  const replication = await Replication.open({ source: settings, target: sink });
  return {
    source,
    replica,
    version: found.rows[0]?.version ?? 0,
    replication,
    start: () => {
      replication.startSource();
      replication.startSink();
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
