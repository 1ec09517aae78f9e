import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import type { FailPoint } from '../../failpoint.ts';
import { lsnToPosition, parseLsn } from '../../postgres/lsn.ts';
import { installDdl } from '../../source/wal/ddl/ddl-log.ts';
import type { Random } from '../random.ts';
import { atPoint, inCopy, type PlannedKill } from '../kill.ts';
import { MOMENTS } from '../moment.ts';
import type { CaptureProfile } from '../profile.ts';
import { COMMON_POINTS, FIRST_TABLE_POINTS } from './passed.ts';

const SLOT = 'rowcast_torture';

/** Reads the WAL: every transaction, DDL in order, and a copy that is gone on with. */
export const walProfile: CaptureProfile = {
  name: 'wal',
  settings: {
    'connector.class': 'PostgresWalSource',
    'slot.name': SLOT,
    'publication.name': SLOT,
    // Many chunks and readers, though the copy is small.
    'snapshot.max.threads': '3',
    'snapshot.chunk.bytes': '262144',
  },
  replaysDdl: true,
  tells: 'transactions',
  moments: MOMENTS.filter((moment) => moment !== 'other'),
  firstPoints: [
    'source.publication-made',
    'source.before-slot',
    'source.slot-created',
    'source.snapshot-open',
    ...FIRST_TABLE_POINTS,
  ],
  startPoints: ['source.stream-open'],
  copyPoints: [
    'source.slot-created',
    'source.copy-planned',
    'source.copy-ended',
    'source.snapshot-batch',
    'source.chunk-stored',
    'source.copy-gone-on',
    'source.catching-up',
  ],
  streamPoints: [...COMMON_POINTS, 'source.idle-stored', 'sink.tables-emptied', 'sink.ddl-met', 'sink.ddl-replayed'],
  passages: 25,
  prepare,
  leastCopyKills: 4,
  planCopyKills,
  acknowledged,
};

async function prepare(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ role: string }>(/* sql */ `select current_user as role`);
  await installDdl(
    client,
    rows.map(({ role }) => role),
  );
}

/**
 * A copy that was begun is gone on with, so its moments come in this order: the slot is created once, then batches become fewer with every
 * kill, and the stream brings the rows to one moment when all were copied.
 */
function planCopyKills(count: number, random: Random): PlannedKill[] {
  const at = (point: FailPoint, most: number): PlannedKill => atPoint(point, most, random);
  const kills = [
    (): PlannedKill => at('source.chunk-stored', 4),
    (): PlannedKill => at('source.copy-gone-on', 1),
    (): PlannedKill => inCopy(random),
    (): PlannedKill => at('source.snapshot-batch', 15),
    (): PlannedKill => at('source.copy-planned', 1),
  ];
  const catchingUp = Math.ceil(count / 5);
  const isWhole = count < 8 ? [] : [at('source.copy-ended', 1)];
  return [
    at('source.slot-created', 1),
    at('source.snapshot-batch', 40),
    ...Array.from({ length: count - 2 - catchingUp - isWhole.length }, (_, i) =>
      (kills[i % kills.length] as () => PlannedKill)(),
    ),
    ...isWhole,
    ...Array.from({ length: catchingUp }, () => at('source.catching-up', 3)),
  ];
}

async function acknowledged(client: pg.ClientBase): Promise<Position | undefined> {
  const { rows } = await client.query<{ lsn: string | null }>(
    /* sql */ `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${SLOT}'`,
  );
  const lsn = rows[0]?.lsn;
  return lsn ? lsnToPosition(parseLsn(lsn)) : undefined;
}
