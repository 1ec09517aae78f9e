import type pg from 'pg';
import type { Position } from '../../change/position.ts';
import { endStatementsWith } from '../../postgres/bounded-client.ts';
import { connect } from '../../postgres/connect.ts';
import { Reading, type ReadingParts } from './reading.ts';
import type { TriggerSourceSettings } from './settings.ts';

/** How the events are reached. */
export interface Way {
  readonly settings: Pick<TriggerSourceSettings, 'connection'>;
  readonly application: string;
}

/** One reading after another, on a connection of their own: what is read meanwhile must not wait for what is forgotten. */
export class Readings {
  readonly #parts: ReadingParts;
  readonly #way: Way;
  #client: pg.Client | undefined;

  constructor(parts: ReadingParts, way: Way) {
    this.#parts = parts;
    this.#way = way;
  }

  /** Takes a snapshot behind `last`; statements end soon after the signal has aborted. */
  async begin(last: Position, signal: AbortSignal): Promise<Reading> {
    if (this.#client === undefined) {
      this.#client = await connect(this.#way.settings.connection, this.#way.application, {}, signal);
      endStatementsWith(this.#client, signal);
    }
    return await Reading.begin(this.#parts, this.#client, last);
  }

  async close(): Promise<void> {
    await this.#client?.end();
  }
}
