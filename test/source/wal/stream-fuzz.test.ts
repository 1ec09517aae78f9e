import type { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Batch } from '../../../src/change/batch.ts';
import { lsnToPosition, positionToLsn } from '../../../src/postgres/lsn.ts';
import { compileFilter } from '../../../src/source/capture/filter.ts';
import { WalReader } from '../../../src/source/wal/reader.ts';
import { describeRelation, typeKey } from '../../../src/source/wal/relation.ts';
import { ReplicationStream } from '../../../src/source/wal/stream.ts';
import { CONSENT, fakeWalsender, keepalive, xLogData } from './fake-walsender.ts';
import * as message from './pgoutput-bytes.ts';
import { changesOf, clock, settings } from './wal-fixture.ts';

const SEEDS = 40;
const TRANSACTIONS = 60;

const TEXT = {
  name: 'pg_catalog.text',
  declared: 'text',
  kind: 'base',
  base: 'pg_catalog.text',
  baseModifier: -1,
} as const;
const TYPES = new Map([[typeKey(25, -1), { oid: 25, modifier: -1, ...TEXT }]]);

/** Numbers in [0, 1) that a seed determines. */
type Random = () => number;
function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const below = (random: Random, limit: number): number => Math.floor(random() * limit);

interface Wal {
  readonly bytes: Buffer;
  readonly rows: number;
  /** Where the last transaction ends. */
  readonly endLsn: number;
}

/** Transactions of all sizes, relations that change, keepalives in between; row n has the cells `n.0.xx`, `n.1.xx` and so on. */
function walOf(random: Random): Wal {
  const parts: Buffer[] = [];
  const widths = new Map<number, number>();
  let [lsn, rows] = [1000, 0];
  const row = (): void => {
    const id = 1 + below(random, 3);
    if (!widths.has(id) || random() < 0.05) {
      if (!widths.has(id) || random() < 0.5) widths.set(id, 1 + below(random, 3));
      parts.push(xLogData(0, relationOf(id, widths.get(id) as number)));
    }
    if (random() < 0.02) parts.push(keepalive(lsn, random() < 0.1));
    const length = random() < 0.01 ? 90_000 : 50;
    const cells = Array.from(
      { length: widths.get(id) as number },
      (_, c) => `${rows}.${c}.${'x'.repeat(below(random, length))}`,
    );
    lsn += 10;
    rows++;
    parts.push(xLogData(lsn, message.insert(id, cells)));
  };
  for (let xid = 0; xid < TRANSACTIONS; xid++) {
    if (random() < 0.3) parts.push(keepalive(lsn, random() < 0.2));
    const count = random() < 0.1 ? 0 : random() < 0.1 ? 300 : 1 + below(random, 5);
    const commitLsn = lsn + count * 10;
    parts.push(xLogData(commitLsn, message.begin(commitLsn, 0, xid)));
    for (let i = 0; i < count; i++) row();
    lsn = commitLsn + 10;
    parts.push(xLogData(commitLsn, message.commit(commitLsn, lsn)));
  }
  return { bytes: Buffer.concat(parts), rows, endLsn: lsn };
}

function relationOf(relationId: number, width: number): Buffer {
  const columns = Array.from({ length: width }, (_, c) => ({
    name: `c${c}`,
    isKey: c === 0,
    typeId: 25,
    modifier: -1,
  }));
  return message.relation({ relationId, schema: 'public', name: `t${relationId}`, identity: 'd', columns });
}

/** Writes in pieces of all sizes, the first one often together with the consent to stream. */
async function writeInPieces(socket: Socket, bytes: Buffer, random: Random): Promise<void> {
  const all = Buffer.concat([CONSENT, bytes]);
  let size = CONSENT.length + (random() < 0.7 ? below(random, 5000) : 0);
  for (let at = 0; at < all.length && !socket.destroyed; ) {
    const end = Math.min(all.length, at + size);
    if (!socket.write(all.subarray(at, end))) await new Promise((resolve) => socket.once('drain', resolve));
    at = end;
    if (random() < 0.3) await turn();
    size = 1 + below(random, random() < 0.3 ? 100 : 20_000);
  }
}

function readerOf(stream: ReplicationStream, random: Random): WalReader {
  const filter = compileFilter(settings({ host: '', port: 1, database: 'd', user: 'u', sslmode: 'disable' }));
  return new WalReader({
    stream,
    clock,
    versions: { last: 0 },
    from: 0,
    maxBatchBytes: random() < 0.5 ? 2000 : 200_000,
    describe: async (relation, previous) => {
      if (random() < 0.2) await sleep(random() * 2);
      else if (random() < 0.5) await turn();
      return describeRelation(relation, undefined, TYPES, previous, filter);
    },
  });
}

/** Takes batches until everything was there, and tells which rows were seen, and in which order positions came. */
async function readAll(reader: WalReader, stream: ReplicationStream, wal: Wal, random: Random) {
  const rows: string[] = [];
  const positions: string[] = [];
  const valid: { readonly batch: Batch; readonly said: string }[] = [];
  const say = (batch: Batch): string => JSON.stringify([batch.position, changesOf(batch)]);
  for await (const batch of reader.batches(new AbortController().signal)) {
    // A batch stays as it is until the one after the next is pulled.
    for (const { batch: earlier, said } of valid) expect(say(earlier) === said).toBe(true);
    valid.push({ batch, said: say(batch) });
    if (valid.length > 2) valid.shift();
    for (const { op, after } of changesOf(batch)) {
      if (op === 'insert')
        rows.push(
          Object.values(after ?? {})
            .map((cell) => cell?.replace(/x*$/, ''))
            .join(),
        );
    }
    if (batch.position !== undefined) {
      positions.push(batch.position);
      stream.acknowledge(positionToLsn(batch.position));
      reader.acknowledged();
    }
    if (random() < 0.2) await sleep(random() * 2);
    if (rows.length >= wal.rows && (positions.at(-1) ?? '') >= lsnToPosition(wal.endLsn)) break;
  }
  return { rows, positions };
}

test.concurrent.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  'hands out every row once and in order (seed %i)',
  async (seed) => {
    const random = randomOf(seed);
    const wal = walOf(random);
    await using server = await fakeWalsender((socket) => {
      writeInPieces(socket, wal.bytes, random).catch(() => socket.destroy());
    });
    const { signal } = new AbortController();
    const options = { connection: server.connection, application: 'a', slot: 's', publication: 'p' };
    await using stream = await ReplicationStream.open(options, signal);
    stream.keepAt(1, 20);
    if (random() < 0.7) await sleep(random() * 10);
    const { rows, positions } = await readAll(readerOf(stream, random), stream, wal, random);
    expect(rows.map((row) => row.split(',').map((cell, c) => cell.endsWith(`.${c}.`) && cell.split('.')[0]))).toEqual(
      rows.map((row, n) => row.split(',').map(() => String(n))),
    );
    expect(rows).toHaveLength(wal.rows);
    expect(positions.toSorted()).toEqual(positions);
  },
);
