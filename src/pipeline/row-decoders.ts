import type { TableSchema } from '../change/table-schema.ts';
import type { Converter, RowDecoder } from '../converter/converter.ts';

/** The decoders of one reader, found without waiting once they were made. */
export class RowDecoders {
  readonly #converter: Converter;
  readonly #decoders = new Map<TableSchema, Map<number, RowDecoder>>();

  constructor(converter: Converter) {
    this.#converter = converter;
  }

  /** The decoder of values of `table` that were written with schema `id`; undefined before it was made. */
  find(id: number, table: TableSchema): RowDecoder | undefined {
    return this.#decoders.get(table)?.get(id);
  }

  async make(id: number, table: TableSchema, topic: string, signal: AbortSignal): Promise<void> {
    const decoder = await this.#converter.decoder(id, table, topic, signal);
    const decoders = this.#decoders.get(table);
    if (decoders === undefined) this.#decoders.set(table, new Map([[id, decoder]]));
    else decoders.set(id, decoder);
  }

  /** Lets go of what was decoded: of a thousand tables each would hold the whole answer that its last row came in. */
  release(): void {
    for (const decoders of this.#decoders.values()) for (const decoder of decoders.values()) decoder.release();
  }
}
