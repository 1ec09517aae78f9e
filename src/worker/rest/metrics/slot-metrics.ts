import type { Registry } from 'prom-client';
import { SLOT_LEVELS, type SlotFinding } from '../../../source/wal/watch/judge-slot.ts';
import type { SlotView } from '../../slots/slot-view.ts';
import type { DaemonView } from '../daemon-view.ts';
import { MetricFamily } from './samples.ts';

type Watched = SlotView & { readonly connector: string };
type Lagging = NonNullable<SlotView['lag']> & { readonly connector: string };

const WAL_STATUSES: readonly NonNullable<SlotFinding['walStatus']>[] = ['reserved', 'extended', 'unreserved', 'lost'];

/** Metrics of replication slots, as their watch has seen them last, and how far each hop is behind the end of the server's WAL. */
export function addSlotMetrics(registry: Registry, view: DaemonView): void {
  const slots = new MetricFamily<Watched>(
    registry,
    ['connector'],
    ({ connector }) => ({ connector }),
    () => view.connectors().flatMap(({ name, slot }) => (slot === undefined ? [] : [{ ...slot, connector: name }])),
  );
  addStates(slots);
  addSizes(slots);
  addLag(registry, 'source', 'the log', () =>
    view.connectors().flatMap(({ name, slot }) => (slot?.lag === undefined ? [] : [{ ...slot.lag, connector: name }])),
  );
  addLag(registry, 'sink', 'the replica', () =>
    view.connectors().flatMap(({ name, walLag }) => (walLag === undefined ? [] : [{ ...walLag, connector: name }])),
  );
}

function addStates(slots: MetricFamily<Watched>): void {
  slots.gauge(
    { name: 'rowcast_slot_level', help: 'How the slot is judged: its level has 1, the others 0.', labels: ['level'] },
    ({ finding }, set) => {
      for (const level of SLOT_LEVELS) set(level === finding.level ? 1 : 0, { level });
    },
  );
  slots.gauge(
    {
      name: 'rowcast_slot_wal_status',
      help: 'The wal_status that the server shows has 1, the others 0.',
      labels: ['status'],
    },
    ({ finding }, set) => {
      for (const status of WAL_STATUSES) set(status === finding.walStatus ? 1 : 0, { status });
    },
  );
  slots.gauge(
    { name: 'rowcast_slot_active', help: 'Whether somebody reads the slot.' },
    ({ finding: { isActive } }, set) => set(isActive ? 1 : 0),
  );
  slots.gauge(
    { name: 'rowcast_slot_held_back', help: 'What the slot is held back by has 1.', labels: ['by'] },
    ({ finding: { holder } }, set) => holder && set(1, { by: holder.kind }),
  );
}

function addSizes(slots: MetricFamily<Watched>): void {
  const gauge = (what: string, help: string, value: (of: SlotFinding) => number | undefined): void =>
    slots.gauge({ name: `rowcast_slot_${what}`, help }, ({ finding }, set) => set(value(finding)));
  gauge('retained_bytes', 'WAL that the server keeps for the slot.', (of) => of.retainedBytes);
  gauge('unconfirmed_bytes', 'WAL written since what the slot was acknowledged last.', (of) => of.unconfirmedBytes);
  gauge(
    'safe_wal_bytes',
    'WAL that may be written before the server gives the slot up; absent without max_slot_wal_keep_size.',
    (of) => of.safeWalBytes,
  );
  gauge('limit_bytes', 'WAL that may be kept, by slot.budget.bytes or the server.', ({ limit }) => limit?.bytes);
  gauge('growth_bytes_per_second', 'How fast what is kept grows.', (of) => of.bytesPerSecond);
  gauge('left_seconds', 'When the limit is reached if it goes on like this.', (of) => of.secondsLeft);
  gauge(
    'catalog_xmin_age_transactions',
    'Transactions since the one whose view of the catalog the slot keeps from vacuum.',
    (of) => of.catalogXminAge,
  );
}

function addLag(registry: Registry, kind: 'source' | 'sink', where: string, all: () => Iterable<Lagging>): void {
  const labelsOf = ({ connector }: Lagging): Readonly<Record<string, string>> => ({ connector, task: '0' });
  const lags = new MetricFamily<Lagging>(registry, ['connector', 'task'], labelsOf, all);
  lags.gauge(
    { name: `rowcast_${kind}_lag_bytes`, help: `WAL of the source that ${where} does not have yet.` },
    ({ bytes }, set) => set(bytes),
  );
  lags.gauge(
    {
      name: `rowcast_${kind}_lag_transactions`,
      help: `Transactions begun on the source that ${where} does not have yet, by estimate, those of other databases too.`,
    },
    ({ transactions }, set) => set(transactions),
  );
}
