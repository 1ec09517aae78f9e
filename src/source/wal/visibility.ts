/**
 * Which ended transactions a snapshot (`xmin:xmax:xip,…`, see `pg_current_snapshot`) shows, by the lower 32 bits of their ids, which are all that
 * the stream and `pg_locks` tell. The snapshot is read once, however many are asked for.
 */
export function visibleIn(snapshot: string): (xid: number) => boolean {
  const [, xmax = '', xip] = snapshot.split(':');
  const end = BigInt(xmax);
  const epoch = end - (end & 0xffff_ffffn);
  const running = new Set(xip?.split(','));
  return (xid) => {
    const near = epoch + BigInt(xid);
    // Half of the ids lie in the past: one far above the end is of the epoch before.
    const whole =
      near - end > 0x7fff_ffffn ? near - 0x1_0000_0000n : end - near > 0x8000_0000n ? near + 0x1_0000_0000n : near;
    return whole < end && !running.has(String(whole));
  };
}
