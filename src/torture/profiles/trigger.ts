import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import type { FailPoint } from '../../failpoint.ts';
import { triggerNames } from '../../source/trigger/names.ts';
import { storedPosition } from '../../source/trigger/reader-row.ts';
import type { Random } from '../random.ts';
import { atPoint, inCopy, type PlannedKill } from '../kill.ts';
import { MOMENTS } from '../moment.ts';
import type { CaptureProfile } from '../profile.ts';
import { COMMON_POINTS, FIRST_TABLE_POINTS } from './passed.ts';

const TRIGGERS = 'torture';

/** Reads what triggers write down: every transaction, truncates too. It makes the triggers itself. Its copies begin anew; DDL is not replayed. */
export const triggerProfile: CaptureProfile = {
  name: 'trigger',
  settings: {
    'connector.class': 'PostgresTriggerSource',
    'trigger.name': TRIGGERS,
    // Many chunks and readers, though the copy is small.
    'snapshot.max.threads': '3',
    'snapshot.chunk.bytes': '262144',
  },
  replaysDdl: false,
  tells: 'transactions',
  moments: MOMENTS.filter((moment) => moment !== 'other' && moment !== 'below the point of a copy'),
  firstPoints: ['source.triggers-made', ...FIRST_TABLE_POINTS],
  startPoints: ['source.capture-installed'],
  copyPoints: [
    'source.copy-ended',
    'source.triggers-made',
    'source.reader-noted',
    'source.snapshot-batch',
    'source.chunk-stored',
  ],
  streamPoints: [...COMMON_POINTS, 'source.events-read', 'source.events-forgotten', 'sink.tables-emptied'],
  passages: 5,
  prepare: async () => {},
  leastCopyKills: 2,
  planCopyKills,
  acknowledged: async (client: pg.ClientBase): Promise<Position | undefined> => {
    const names = triggerNames(TRIGGERS);
    const { rowCount } = await client.query(/* sql */ `select where to_regclass($1) is not null`, [names.reader]);
    return rowCount === 1 ? await storedPosition(client, names) : undefined;
  },
};

/** Triggers that were made stay, so they are met first; the copy itself begins anew each time. */
function planCopyKills(count: number, random: Random): PlannedKill[] {
  const at = (point: FailPoint, most: number): PlannedKill => atPoint(point, most, random);
  const kills = [
    (): PlannedKill => at('source.reader-noted', 1),
    (): PlannedKill => at('source.snapshot-batch', 40),
    (): PlannedKill => at('source.chunk-stored', 8),
    (): PlannedKill => inCopy(random),
  ];
  const isWhole = count < 6 ? [] : [at('source.copy-ended', 1)];
  return [
    at('source.triggers-made', 4),
    ...Array.from({ length: count - 1 - isWhole.length }, (_, i) => (kills[i % kills.length] as () => PlannedKill)()),
    ...isWhole,
  ];
}
