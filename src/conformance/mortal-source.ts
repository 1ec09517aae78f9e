import type { Batch } from '../change/batch.ts';
import type { HeldSource, Source } from '../source/source.ts';
import type { Gate } from './gate.ts';

/** Sees each batch when the pipeline has pulled it, before it is published. */
export type Observe = (batch: Batch) => void;

/** A source all calls of which pass a gate. `taken` hears of what was opened: whoever is killed does not dispose of it. */
export function mortalSource(source: Source, gate: Gate, observe: Observe, taken: (held: HeldSource) => void): Source {
  return {
    async open(...given) {
      const held = await gate.pass('open', async () => {
        const opened = await source.open(...given);
        taken(opened);
        return opened;
      });
      return mortalHeld(held, gate, observe);
    },
  };
}

function mortalHeld(held: HeldSource, gate: Gate, observe: Observe): HeldSource {
  return {
    get identity() {
      return held.identity;
    },
    get slot() {
      return held.slot;
    },
    get dropAdvice() {
      return held.dropAdvice;
    },
    get capture() {
      return held.capture;
    },
    get confirmed() {
      return held.confirmed;
    },
    get copying() {
      return held.copying;
    },
    exists: (...given) => gate.pass('exists', () => held.exists(...given)),
    descendsFrom: (...given) => gate.pass('descendsFrom', () => held.descendsFrom(...given)),
    assertCovered: (...given) => gate.pass('assertCovered', () => held.assertCovered(...given)),
    create: (...given) => gate.pass('create', () => held.create(...given)),
    goOn: (...given) => gate.pass('goOn', () => held.goOn(...given)),
    snapshot: (...given) => mortalBatches('a batch of snapshot', held.snapshot(...given), gate, observe),
    read: (...given) => mortalBatches('a batch of read', held.read(...given), gate, observe),
    restore(requests) {
      gate.cross('before restore');
      held.restore(requests);
    },
    signal: (...given) => gate.pass('signal', () => held.signal(...given)),
    syncSequences: (...given) => gate.pass('syncSequences', () => held.syncSequences(...given)),
    tables: () => gate.pass('tables', () => held.tables()),
    acknowledge: (position) => gate.pass('acknowledge', () => held.acknowledge(position)),
    async [Symbol.asyncDispose]() {
      if (gate.diedAt === undefined) await held[Symbol.asyncDispose]();
    },
  };
}

async function* mortalBatches(
  name: string,
  batches: AsyncIterable<Batch>,
  gate: Gate,
  observe: Observe,
): AsyncGenerator<Batch> {
  const iterator = batches[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await gate.pass(name, () => iterator.next());
      if (next.done === true) return;
      observe(next.value);
      yield next.value;
    }
  } finally {
    if (gate.diedAt === undefined) await iterator.return?.();
  }
}
