import type { ScratchDatabase } from '../scratch-database.ts';
import { ConformanceError, type ConformanceCheck } from '../source-kit.ts';
import { ToldRows } from '../told-rows.ts';
import { World } from '../world.ts';

const SESSIONS = 4;
const ROWS = 5;

/** What was told of the versions of one row: each is one above the one before, whoever wrote it. */
class Versions {
  readonly #last = new Map<string, number>();
  readonly #isEach: boolean;
  told = 0;
  /** What was wrong first. */
  wrong: string | undefined;

  constructor(isEach: boolean) {
    this.#isEach = isEach;
  }

  see(id: string, version: number): void {
    const last = this.#last.get(id);
    this.#last.set(id, version);
    if (last === undefined) return;
    this.told++;
    const isNext = this.#isEach ? version === last + 1 : version >= last;
    if (!isNext) this.wrong ??= `Of row ${id} version ${version} was told after version ${last}`;
  }
}

export const order: ConformanceCheck = {
  property: 'order per key',
  promise: 'Changes of a row come in the order of their commits; a source that tells changes tells each of them once.',
  async run(kit, place) {
    if (!kit.claims.operations.includes('update')) return 'it claims no updates';
    await using world = await World.open(kit, place);
    const versions = new Versions(kit.claims.tells === 'changes');
    const told = new ToldRows((table, _op, row) => {
      if (table === 'public.item' && row !== undefined) versions.see(String(row.id), Number(row.version));
    });
    await world.begin({ observe: (batch) => told.apply(batch) });
    world.beginSink();
    await world.caughtUp();
    const turns = place.effort === 'long' ? 400 : 60;
    await Promise.all(Array.from({ length: SESSIONS }, (_, n) => raise(world.source, n, turns)));
    const failure = await world.caughtUp().catch((error: unknown) => error);
    if (versions.wrong !== undefined) throw new ConformanceError(versions.wrong);
    if (failure instanceof Error) throw failure;
    await assertSame(world.source, told);
    return `${versions.told} changes of ${ROWS} rows by ${SESSIONS} sessions`;
  },
};

/** Raises versions of few rows; some transactions raise one twice, some are rolled back, some in part. */
async function raise(database: ScratchDatabase, session: number, turns: number): Promise<void> {
  const client = await database.connect();
  try {
    for (let turn = 0; turn < turns; turn++) {
      const raised = `update item set version = version + 1 where id = ${1 + ((turn + session) % ROWS)}`;
      const once = turn % 5 === 0 ? `savepoint s; ${raised}; rollback to s; ${raised}` : raised;
      const end = turn % 6 === 0 ? 'rollback' : 'commit';
      await client.query(`begin; ${once}; ${turn % 4 === 0 ? `${raised}; ` : ''}${end}`);
    }
  } finally {
    await client.end();
  }
}

/** What was told comes to what is there, without a replica's help. */
async function assertSame(database: ScratchDatabase, told: ToldRows): Promise<void> {
  const rows = await database.query<{ id: number; version: number }>('select id, version from item');
  const items = told.rows('public.item');
  if (items.size !== rows.length) throw new ConformanceError(`${items.size} rows were told of ${rows.length}`);
  for (const { id, version } of rows) {
    const last = items.get(JSON.stringify([String(id)]))?.version;
    if (last !== String(version)) throw new ConformanceError(`Of row ${id} the last version told is ${last}`);
  }
}
