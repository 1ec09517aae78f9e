import type { CopySignal } from '../../../change/copy-request.ts';
import { type HearSignal, type RawSignal, requestId, type TableName } from '../../../change/signal.ts';
import type { RelationMessage } from '../decoder.ts';
import type { Requests } from '../request/requests.ts';
import type { SequenceSync } from '../sequences/sequence-sync.ts';
import type { WalSourceSettings } from '../settings.ts';
import type { Warn } from '../../capture/warn.ts';
import { isNamed, missingColumns, type SignalLayout, signalLayout } from './signal-table.ts';

export interface HeardSignalsParts {
  readonly settings: Pick<WalSourceSettings, 'signalTable'>;
  readonly warn: Warn;
  readonly hear?: HearSignal | undefined;
}

/** The signals that stand as rows in the stream. */
export class HeardSignals {
  readonly #parts: HeardSignalsParts;
  readonly #requests: Pick<Requests, 'knows' | 'check' | 'hear'>;
  readonly #sequences: Pick<SequenceSync, 'note'>;
  readonly #tables: () => Promise<readonly TableName[]>;

  constructor(
    parts: HeardSignalsParts,
    requests: Pick<Requests, 'knows' | 'check' | 'hear'>,
    sequences: Pick<SequenceSync, 'note'>,
    tables: () => Promise<readonly TableName[]>,
  ) {
    this.#parts = parts;
    this.#requests = requests;
    this.#sequences = sequences;
    this.#tables = tables;
  }

  /** How rows of a relation are read as signals; undefined when they are none. */
  layoutOf(message: RelationMessage): SignalLayout | undefined {
    const { settings, warn } = this.#parts;
    if (!isNamed(message, settings.signalTable)) return undefined;
    const layout = signalLayout(message);
    const missing = missingColumns(layout);
    if (missing.length === 0) return layout;
    warn(
      `Rows of table ${message.schema}.${message.name} are no signals: it has no column ${missing.join(', ')}`,
      'A table of signals has columns id, type and data.',
    );
    return undefined;
  }

  /** Nothing behind the row is read meanwhile: so its position is stored only with what it asks for. */
  async hear(raw: RawSignal): Promise<void> {
    if (this.#requests.knows(requestId(raw))) return; // read again after a restart
    const signal = async (asked: CopySignal): Promise<void> => {
      await this.#requests.check(asked);
      this.#requests.hear(asked);
    };
    // Noted is enough: the batch that ends with the row, or behind it, has them.
    const syncSequences = (): Promise<void> => this.#sequences.note();
    await this.#parts.hear?.(raw, { tables: this.#tables, signal, syncSequences, position: undefined });
  }
}
