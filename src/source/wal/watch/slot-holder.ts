import type { SlotLook, WatchedSlot } from './slot-look.ts';

/**
 * What holds a slot back. `reader`: nobody reads it; `server`: the server has not yet decoded and sent what was written; `us`: it was sent, and is not
 * yet stored in the log (the log, or what is before it, is slow); `transaction`: an open one, which every slot is kept at; `unknown`: one that the role may not see.
 */
export type SlotHolder =
  | { readonly kind: 'reader' | 'server' | 'us' | 'unknown' }
  | { readonly kind: 'transaction'; readonly pid: number; readonly seconds: number | undefined }
  | { readonly kind: 'prepared'; readonly gid: string; readonly database: string; readonly seconds: number };

/** Below this nothing is held back: the server moves a slot in steps of some segments. */
const LITTLE_BYTES = 64 * 1024 ** 2;
/** What a process of the server waits for when whoever reads it does not take more, or when it has sent everything. */
const WAITS_FOR_US = /^WalSender(WriteData|WaitFor(WAL|Wal)|Main)$/;

/** Says why a slot keeps what it keeps; undefined when that is little. */
export function judgeHolder({
  slot,
  retainedBytes = 0,
  unconfirmedBytes = 0,
  running,
  prepared,
}: Omit<SlotLook, 'slot' | 'walEnd' | 'nextXid'> & {
  readonly slot: WatchedSlot;
  readonly retainedBytes: number | undefined;
  readonly unconfirmedBytes: number | undefined;
}): SlotHolder | undefined {
  if (retainedBytes < LITTLE_BYTES) return undefined;
  if (slot.pid === undefined) return { kind: 'reader' };
  // What is not acknowledged is most of it: whoever is to acknowledge is behind.
  if (unconfirmedBytes * 2 > retainedBytes) {
    return { kind: slot.waitEvent !== undefined && WAITS_FOR_US.test(slot.waitEvent) ? 'us' : 'server' };
  }
  if (prepared !== undefined && prepared.seconds > (running?.seconds ?? 0)) return { kind: 'prepared', ...prepared };
  if (running !== undefined) return { kind: 'transaction', ...running };
  return { kind: 'unknown' };
}

/** The holder in words that follow "It is held back by". */
export function holderText(holder: SlotHolder): string {
  switch (holder.kind) {
    case 'reader':
      return 'nobody reading it';
    case 'server':
      return 'the server, which is still decoding';
    case 'us':
      return 'this connector, which has what was sent and has not stored it in the log yet';
    case 'transaction': {
      const age = holder.seconds === undefined ? '' : `, open for ${holder.seconds} s`;
      return `the transaction of process ${holder.pid} of the server${age}`;
    }
    case 'prepared':
      return `the prepared transaction ${holder.gid} of database ${holder.database}, ${holder.seconds} s old`;
    case 'unknown':
      return 'something on the server that its role may not see (grant pg_read_all_stats)';
    default:
      return holder satisfies never;
  }
}
