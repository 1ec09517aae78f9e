import type { SchemaRecord, SchemaTopic } from '../../../src/converter/registry/log-store.ts';

/** A schemas topic in memory. */
export type MemoryTopic = SchemaTopic & { readonly records: SchemaRecord[] };

/** `pause` decides when an append or a read goes on; it stands for what a network does. */
export function memoryTopic(pause: () => Promise<unknown> = () => Promise.resolve()): MemoryTopic {
  const records: SchemaRecord[] = [];
  return {
    records,
    async append(added) {
      await pause();
      const offset = (records.at(-1)?.offset ?? -1) + 1;
      for (const [i, { value }] of added.entries()) records.push({ offset: offset + i, value });
      await pause();
      return offset;
    },
    async read(from) {
      await pause();
      const found = records.filter((record) => record.offset >= from);
      await pause();
      return found;
    },
  };
}
