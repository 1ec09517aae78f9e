import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../change/batch.ts';
import { ConformanceError, type ConformanceCheck } from '../source-kit.ts';
import { ACCOUNTS, TOTAL } from '../shop.ts';
import { ToldRows } from '../told-rows.ts';
import { World } from '../world.ts';

const LOOK_MS = 10;
const SUM = /* sql */ `select ((select sum(balance) from account_a) + (select sum(balance) from account_b))::int as sum,
  (select sum(balance) from account_a)::int as a`;
/** Larger than a batch: it ends in many, of which the last one alone may have a position. */
const ALL_AT_ONCE = /* sql */ `update account_a set balance = balance - 3, note = repeat('c', 1500);
  update account_b set balance = balance + 3, note = repeat('d', 1500)`;

/** What all accounts have at each checkpoint, by what was told until then. */
class Sums {
  readonly #told = new ToldRows();
  checkpoints = 0;
  /** What was wrong first. */
  wrong: string | undefined;

  observe(batch: Batch): void {
    this.#told.apply(batch);
    if (batch.position === undefined || !batch.consistent || batch.length === 0) return;
    this.checkpoints++;
    let [sum, rows] = [0, 0];
    for (const table of ['public.account_a', 'public.account_b']) {
      for (const { balance } of this.#told.rows(table).values()) {
        sum += Number(balance);
        rows++;
      }
    }
    if (rows !== 2 * ACCOUNTS) this.wrong ??= `At checkpoint ${this.checkpoints} there are ${rows} accounts`;
    if (sum !== TOTAL)
      this.wrong ??= `At checkpoint ${this.checkpoints} all accounts have ${sum}, which they never had`;
  }
}

export const atomic: ConformanceCheck = {
  property: 'atomic batches',
  promise: 'At each checkpoint a replica is in a state that the source was in, over all tables.',
  async run(kit, place) {
    if (!kit.claims.operations.includes('update')) return 'it claims no updates';
    await using world = await World.open(kit, place);
    const sums = new Sums();
    await world.begin({ observe: (batch) => sums.observe(batch) });
    world.beginSink();
    await world.caughtUp();
    const writers = world.write(3);
    const seen = new Set<number>();
    const looks = place.effort === 'long' ? 600 : 100;
    for (let look = 0; look < looks; look++) {
      if (look % 40 === 20) await world.source.query(ALL_AT_ONCE);
      const [row] = await world.target.query<{ sum: number; a: number }>(SUM);
      if (row?.sum !== TOTAL) throw new ConformanceError(`The replica showed accounts that have ${row?.sum} together`);
      seen.add(row.a);
      await sleep(LOOK_MS);
    }
    await writers.stop();
    const failure = await world.caughtUp().catch((error: unknown) => error);
    if (sums.wrong !== undefined) throw new ConformanceError(sums.wrong);
    if (failure instanceof Error) throw failure;
    if (sums.checkpoints < 3 || seen.size < 2)
      throw new ConformanceError(`Too little was seen to judge: ${sums.checkpoints} checkpoints`);
    return `${sums.checkpoints} checkpoints, ${seen.size} states of the replica`;
  },
};
