import type { CopySignal } from '../../../src/change/copy-request.ts';
import type { TableName } from '../../../src/change/signal.ts';
import { TransientError } from '../../../src/errors.ts';
import type { Log } from '../../../src/log/log.ts';
import type { LogFields, Logger } from '../../../src/observe/logger.ts';
import type { ListenedSource } from '../../../src/pipeline/listening.ts';

/** A source that streams three tables and remembers what was asked of it. */
export class FakeSource implements ListenedSource {
  readonly log: Log;
  topicOffset: number | undefined;
  readonly position = '0000000000000010';
  readonly asked: CopySignal[] = [];
  /** How often its sequences were asked for. */
  synced = 0;
  /** How often it still says that it does not stream yet. */
  refusals = 0;

  constructor(log: Log = undefined as never, topicOffset?: number) {
    this.log = log;
    this.topicOffset = topicOffset;
  }

  passed(topicOffset: number): void {
    this.topicOffset = topicOffset;
  }

  async tables(): Promise<TableName[]> {
    return ['a', 'b', 'c'].map((name) => ({ schema: 'public', name }));
  }

  async signal(signal: CopySignal): Promise<void> {
    if (this.refusals-- > 0) throw new TransientError('It does not stream');
    this.asked.push(signal);
  }

  async syncSequences(): Promise<void> {
    if (this.refusals-- > 0) throw new TransientError('It has ended');
    this.synced++;
  }
}

/** What was told. */
export class Told implements Logger {
  readonly lines: (LogFields & { readonly fact: string })[] = [];
  readonly #tell = (fact: string, fields: LogFields = {}): void => void this.lines.push({ fact, ...fields });
  readonly debug: Logger['debug'] = this.#tell;
  readonly info: Logger['info'] = this.#tell;
  readonly warn: Logger['warn'] = this.#tell;
  readonly error: Logger['error'] = this.#tell;
}

/** An execute-snapshot of tables, as JSON. */
export function execute(id: string, ...tables: string[]): string {
  const names = tables.map((name) => `public.${name}`);
  return JSON.stringify({ id, type: 'execute-snapshot', data: { type: 'incremental', 'data-collections': names } });
}
