import { setTimeout as sleep } from 'node:timers/promises';
import { Batch } from '../../src/change/batch.ts';
import type { Position } from '../../src/change/position.ts';
import type { SourceKit } from '../../src/conformance/source-kit.ts';
import { connect } from '../../src/postgres/connect.ts';
import type { HeldSource, Source } from '../../src/source/source.ts';
import { walKitOf } from './kits.ts';

type Read = HeldSource['read'];

/** A bug, and which property it offends. */
export interface Plant {
  readonly name: string;
  readonly property: string;
  /** What the suite says of it. */
  readonly found: RegExp;
  readonly plant: (kit: SourceKit) => SourceKit;
  /** How long the suite is to wait for what never comes; as long as it always waits when that is not what it finds. */
  readonly patienceMs?: number;
}

/** A kit whose sources read in another way. */
function reading(change: (held: HeldSource, read: Read) => Read): (kit: SourceKit) => SourceKit {
  return (kit) => ({
    ...kit,
    create(place) {
      const source: Source = kit.create(place);
      return {
        async open(...given) {
          const held = await source.open(...given);
          return Object.assign(held, { read: change(held, held.read.bind(held)) });
        },
      };
    },
  });
}

const dropsABatch = reading((_held, read) => {
  let seen = 0;
  return async function* (...given) {
    for await (const batch of read(...given)) {
      const { position } = batch;
      if (batch.length > 0 && ++seen === 3) batch.clear();
      batch.position = position;
      yield batch;
    }
  };
});

/** The two of a transaction, whatever else is in the log: where each has one change they tell of the same row. */
const swapsBatches = reading((_held, read) => {
  return async function* (...given) {
    let waiting: Batch | undefined;
    for await (const batch of read(...given)) {
      // What announces a table stays before its rows: that would be another bug.
      if (batch.position === undefined && batch.controls.length === 0 && waiting === undefined) {
        waiting = batch;
        continue;
      }
      const { position } = batch;
      if (waiting !== undefined) batch.position = undefined;
      yield batch;
      if (waiting !== undefined) yield Object.assign(waiting, { position });
      waiting = undefined;
    }
  };
});

const splitsACheckpoint = reading((_held, read) => {
  return async function* (from, signal) {
    let last = from;
    for await (const batch of read(from, signal)) {
      last = batch.position ?? last;
      batch.position = last;
      yield batch;
    }
  };
});

/** As a source that does not know what its checkpoint covers: the first changes of each process come twice. */
const sendsAgain = reading((_held, read) => {
  let isFirst = true;
  return async function* (...given) {
    for await (const batch of read(...given)) {
      const { position } = batch;
      if (batch.length > 0 && isFirst) {
        isFirst = false;
        batch.position = undefined;
        yield batch;
        batch.position = position;
      }
      yield batch;
    }
  };
});

const acknowledgesEarly = reading((held, read) => {
  return async function* (...given) {
    for await (const batch of read(...given)) {
      if (batch.position !== undefined) await held.acknowledge(batch.position);
      yield batch;
    }
  };
});

const neverRests = reading((_held, read) => {
  return async function* (from, signal) {
    let position: Position = from;
    let isOver = false;
    const batches = read(from, signal);
    let next = batches[Symbol.asyncIterator]().next();
    while (!isOver) {
      const batch = await Promise.race([next, sleep(2)]);
      if (batch === undefined) {
        yield Object.assign(new Batch(1, 1, 1), { position });
        continue;
      }
      isOver = batch.done === true;
      if (batch.done === true) return;
      position = batch.value.position ?? position;
      yield batch.value;
      next = batches[Symbol.asyncIterator]().next();
    }
  };
});

const holdsBack = reading((_held, read) => {
  return async function* (...given) {
    let last: Batch | undefined;
    for await (const batch of read(...given)) {
      if (batch.length === 0) {
        if (last === undefined) yield batch;
        continue;
      }
      if (last !== undefined) yield last;
      last = batch;
    }
  };
});

const readsAhead = reading((_held, read) => {
  return async function* (...given) {
    const queue: Batch[] = [];
    let isOver = false;
    const filling = (async () => {
      for await (const batch of read(...given)) queue.push(Object.assign(new Batch(1, 1, 1), ownOf(batch)));
    })().finally(() => {
      isOver = true;
    });
    filling.catch(() => {}); // told when the queue is empty
    while (!isOver || queue.length > 0) {
      const batch = queue.shift();
      if (batch !== undefined) yield batch;
      else await sleep(1);
    }
    await filling;
  };
});

const neverStops = reading((_held, read) => (from) => read(from, new AbortController().signal));

const leavesEverything = (kit: SourceKit): SourceKit => ({ ...kit, async uninstall() {} });

const leavesATable = (kit: SourceKit): SourceKit => ({
  ...kit,
  async uninstall(connection, connector) {
    await kit.uninstall(connection, connector);
    const client = await connect(connection, 'rowcast conformance');
    await client.query('create table public.left_behind ()');
    await client.end();
  },
});

/** A copy of what a batch holds: its source fills it again. */
function ownOf(batch: Batch): Partial<Batch> {
  const { op, table, transaction, lsn, before, after, cells, bytes } = batch;
  const { tables, transactions, controls, length, cellCount, byteLength } = batch;
  const { position, urgent, consistent, copy, requests } = batch;
  return {
    tables,
    transactions,
    controls,
    length,
    cellCount,
    byteLength,
    position,
    urgent,
    consistent,
    copy,
    requests,
    op: op.slice(),
    table: table.slice(),
    transaction: transaction.slice(),
    lsn: lsn.slice(),
    before: before.slice(),
    after: after.slice(),
    cells: cells.slice(),
    bytes: Buffer.from(bytes),
  };
}

/** One bug per property at least. */
export const PLANTS: readonly Plant[] = [
  {
    name: 'drops a batch',
    property: 'operations',
    found: /differs in row|Waited in vain for row/,
    plant: dropsABatch,
    patienceMs: 20_000,
  },
  {
    name: 'swaps two batches',
    property: 'order per key',
    found: /version \d+ was told after version/,
    plant: () => swapsBatches(walKitOf(1)),
  },
  {
    name: 'has a position inside of a transaction',
    property: 'atomic batches',
    found: /have \d+/,
    plant: splitsACheckpoint,
  },
  {
    name: 'sends again what its checkpoint covers',
    property: 'resume',
    found: /The replica refused what came|differs in row/,
    plant: sendsAgain,
  },
  { name: 'acknowledges what is not stored', property: 'resume', found: /a gap/, plant: acknowledgesEarly },
  { name: 'makes checkpoints all the time', property: 'idle', found: /idle batches came/, plant: neverRests },
  {
    name: 'keeps the last batch until another comes',
    property: 'idle',
    found: /Waited in vain for row \d+ of the marker/,
    plant: holdsBack,
    patienceMs: 20_000,
  },
  {
    name: 'reads ahead of the log',
    property: 'bounded memory',
    found: /The source holds \d+ bytes/,
    plant: readsAhead,
  },
  {
    name: 'does not hear that it is to stop',
    property: 'clean stop',
    found: /did not stop within/,
    plant: neverStops,
    patienceMs: 10_000,
  },
  {
    name: 'leaves its slot and publication',
    property: 'uninstall',
    found: /Waited in vain for the end of .*slot/,
    plant: leavesEverything,
  },
  {
    name: 'leaves a table',
    property: 'uninstall',
    found: /Waited in vain for the end of .*left_behind/,
    plant: leavesATable,
  },
];
