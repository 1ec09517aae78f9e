import { setTimeout as sleep } from 'node:timers/promises';
import { ConformanceError, type ConformanceCheck } from '../source-kit.ts';
import { World } from '../world.ts';

const ROW_BYTES = 1024;
/** What sockets of the system may hold between the proxy and the source, and what the source may hold itself. */
const HELD_BYTES = 16 * 1024 * 1024;
/** A batch may exceed its limit by a row, and by what it takes to cut. */
const SPARE_BYTES = 64 * 1024;
/** When less than this has come in so long, no more rows come: only signs of life. */
const STILL_BYTES = 16 * 1024;
const STILL_MS = 1_500;
const WRITE = /* sql */ `insert into item select i, 1, repeat(md5(i::text), ${ROW_BYTES / 32}) from generate_series(100001, 100000 + $1::int) i`;

export const memory: ConformanceCheck = {
  property: 'bounded memory',
  promise:
    'While the log does not answer, the source reads no more than a bounded number of bytes, whatever is written.',
  async run(kit, place) {
    await using world = await World.open(kit, place);
    let pulledBytes = 0;
    let largest = 0;
    const log = new SlowLog();
    const life = await world.begin({
      observe: ({ byteLength }) => {
        pulledBytes += byteLength;
        largest = Math.max(largest, byteLength);
        // Small batches from before may still be on their way: they must not be what holds the source up.
        if (byteLength * 2 > kit.claims.maxBatchBytes) log.strike();
      },
      beforePublish: () => log.answer,
    });
    world.beginSink();
    await world.caughtUp();
    const [received, pulled] = [life.wire.receivedBytes, pulledBytes];
    const held = (): number => life.wire.receivedBytes - received - (pulledBytes - pulled);
    const megabytes = place.effort === 'long' ? 160 : 24;
    let heldBytes = 0;
    log.fallSilentSoon();
    try {
      await world.source.client.query(WRITE, [megabytes * 1024]);
      await world.until(() => log.isSilent, 'the source to read what was written');
      await still(() => life.wire.receivedBytes);
      heldBytes = held();
    } finally {
      log.goOn();
    }
    if (heldBytes > HELD_BYTES)
      throw new ConformanceError(`The source holds ${heldBytes} bytes that the log has not asked for`);
    const most = 2 * kit.claims.maxBatchBytes + SPARE_BYTES;
    await world.caughtUp();
    if (largest > most) throw new ConformanceError(`A batch has ${largest} bytes`);
    return `${Math.round(heldBytes / 1024)} of ${megabytes * 1024} KB held, batches of ${Math.round(largest / 1024)} KB`;
  },
};

/** A log that falls silent when it is struck: whoever publishes then waits until it goes on. */
class SlowLog {
  answer: Promise<void> = Promise.resolve();
  isSilent = false;
  goOn: () => void = () => {};
  #isFragile = false;

  fallSilentSoon(): void {
    this.#isFragile = true;
  }

  strike(): void {
    if (!this.#isFragile) return;
    this.#isFragile = false;
    this.isSilent = true;
    this.answer = new Promise((resolve) => {
      this.goOn = resolve;
    });
  }
}

/** Resolves when the number has hardly grown for a while. */
async function still(count: () => number): Promise<void> {
  for (let last = -Infinity; count() - last > STILL_BYTES; ) {
    last = count();
    await sleep(STILL_MS);
  }
}
