import type { SlotFinding } from './judge-slot.ts';
import { holderText } from './slot-holder.ts';

/** The finding in one sentence, for the log and for /health; undefined when all is well. */
export function concernText(slot: string, finding: SlotFinding): string | undefined {
  const { level, limit, secondsLeft, invalidation } = finding;
  switch (level) {
    case 'ok':
      return undefined;
    case 'missing':
      return `slot "${slot}" does not exist on the server`;
    case 'lost':
      return `slot "${slot}" is lost: ${invalidation ?? 'the server has removed WAL that it needed'}; a new copy is needed`;
    case 'warning':
    case 'critical':
    case 'exhausted': {
      const left = secondsLeft === undefined ? '' : `, full in about ${inTime(secondsLeft)} if it goes on like this`;
      const most = limit === undefined ? '' : ` of ${inBytes(limit.bytes)} (${LIMITS[limit.by]})`;
      return `slot "${slot}" keeps ${inBytes(finding.retainedBytes ?? 0)}${most} of WAL${left}${heldBack(finding)}`;
    }
    default:
      return level satisfies never;
  }
}

const LIMITS = { budget: 'slot.budget.bytes', server: 'max_slot_wal_keep_size' } as const;

function heldBack({ holder }: SlotFinding): string {
  return holder === undefined ? '' : `; it is held back by ${holderText(holder)}`;
}

/** What a person can do about it. */
export function concernAdvice(connector: string, { level, holder, limit }: SlotFinding): string | undefined {
  if (level === 'ok') return undefined;
  if (level === 'missing' || level === 'lost') {
    return `Copy everything again: rowcast offsets reset ${connector}`;
  }
  switch (holder?.kind) {
    case 'transaction':
      return `End it: select pg_terminate_backend(${holder.pid});`;
    case 'prepared':
      return 'Commit it or roll it back, in its database.';
    case 'reader':
      return 'Start the connector, or see why it has failed (`rowcast status`).';
    case 'us':
      return 'See at which stage the connector stands (`rowcast status`), and how the log is.';
    case 'server':
    case 'unknown':
    case undefined:
      return limit?.by === 'server'
        ? 'Let it catch up, or raise max_slot_wal_keep_size while there is room on the disk.'
        : 'Let it catch up, and see that there is room on the disk of the server.';
    default:
      return holder satisfies never;
  }
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** A size as Postgres prints it: a number below 10,000 and a unit. */
export function inBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 10_000 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Math.round(size)} ${UNITS[unit] as string}`;
}

function inTime(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
