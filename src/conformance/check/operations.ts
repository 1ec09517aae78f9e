import { ConformanceError, type ConformanceCheck, type Operation, type SourceClaims } from '../source-kit.ts';
import { ToldRows } from '../told-rows.ts';
import { World } from '../world.ts';

/** What is done to the rows of a shop, and as what a source that tells changes tells it. */
const DONE: Readonly<Record<Operation, { readonly sql: readonly string[]; readonly told: string }>> = {
  insert: {
    sql: [
      /* sql */ `insert into item values (5001, 1, null), (5002, 1, ''), (5003, 1, E'a\\tb\\n\\\\N')`,
      /* sql */ `insert into item select 5004, 1, string_agg(md5(i::text), '') from generate_series(1, 1000) i`,
    ],
    told: 'insert public.item',
  },
  update: {
    sql: [
      /* sql */ `update item set version = version + 1 where id in (1, 2, 5004)`,
      /* sql */ `update item set note = null where id = 3; update item set note = 'x' where id in (5001, 5004)`,
    ],
    told: 'update public.item',
  },
  delete: { sql: [/* sql */ `delete from item where id in (4, 5)`], told: 'delete public.item' },
  'key change': {
    sql: [
      /* sql */ `update item set id = id + 7000 where id in (6, 7)`,
      /* sql */ `update item set id = 6 where id = 7006; update item set id = 7 where id = 8`,
    ],
    told: 'key change public.item',
  },
  truncate: {
    sql: [
      /* sql */ `insert into scratch select i from generate_series(1, 50) i`,
      /* sql */ `begin; truncate scratch; insert into scratch values (1), (51); commit`,
    ],
    told: 'truncate public.scratch',
  },
};

const ENTRIES = [
  /* sql */ `insert into entry values (1, 1), (1, 1), (1, 1), (2, 5)`,
  /* sql */ `update entry set amount = 2 where ctid = (select ctid from entry where id = 1 limit 1)`,
  /* sql */ `delete from entry where ctid = (select ctid from entry where id = 1 limit 1)`,
];

export const operations: ConformanceCheck = {
  property: 'operations',
  promise: 'Rows that are there, and every operation that the source claims, arrive in the replica.',
  async run(kit, place) {
    await using world = await World.open(kit, place);
    const told = new ToldRows();
    await world.begin({ observe: (batch) => told.apply(batch) });
    world.beginSink();
    await world.caughtUp();
    const { claims } = kit;
    for (const operation of claims.operations) {
      await doneAs(operation, async () => {
        for (const sql of DONE[operation].sql) await world.source.query(sql);
        await world.caughtUp();
        assertTold(told, operation, claims);
      });
    }
    const entries = claims.keyless ? ENTRIES.slice(0, claims.operations.includes('delete') ? 3 : 1) : [];
    for (const sql of entries) {
      await world.source.query(sql);
      await world.caughtUp();
    }
    return `${claims.operations.join(', ')}${claims.keyless ? ', tables without key' : ''}`;
  },
};

async function doneAs(operation: Operation, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ConformanceError)) throw error;
    throw new ConformanceError(`After ${operation}: ${error.message}`, { cause: error });
  }
}

function assertTold({ counts }: ToldRows, operation: Operation, { tells }: SourceClaims): void {
  if (tells === 'states' || counts.has(DONE[operation].told)) return;
  throw new ConformanceError(`It arrived, but not as ${operation}: the source told ${[...counts.keys()].join(', ')}`);
}
