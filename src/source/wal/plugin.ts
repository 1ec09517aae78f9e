import type pg from 'pg';
import { AbstractPlugin } from 'pg-logical-replication/dist/output-plugins/abstract.plugin.js';
import { pinSession } from '../../postgres/connect.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';

export interface PluginOptions {
  readonly publication: string;
  /** The connection is there and its session is pinned; START_REPLICATION comes next. */
  readonly onSession: (client: pg.Client) => void;
  /** One pgoutput message, `bytes[start..end)`, good until the call returns; `lsn` is the place in the WAL it tells of. Must not throw. */
  readonly onMessage: (bytes: Buffer, start: number, end: number, lsn: number) => void;
}

/** Starts pgoutput with our options at 0/0 (where the slot stands) and hands its messages over undecoded. */
export class RawPgoutputPlugin extends AbstractPlugin<PluginOptions> {
  get name(): string {
    return 'pgoutput';
  }

  async start(client: pg.Client, slotName: string, _lastLsn: string): Promise<unknown> {
    await pinSession(client);
    const { publication, onSession } = this.options;
    onSession(client);
    const options = `proto_version '1', publication_names ${quoteLiteral(quoteIdentifier(publication))}`;
    return await client.query(`START_REPLICATION SLOT ${quoteIdentifier(slotName)} LOGICAL 0/0 (${options})`);
  }

  /**
   * Takes a message from the tap: the place of its payload in what was read. The library's own call has no place and makes three objects
   * of each message; it gets none to see (docs/decisions/0010-frames-cut-in-place.md).
   */
  parse(bytes: Buffer, start?: number, end?: number, lsn?: number): undefined {
    if (start === undefined || end === undefined || lsn === undefined)
      throw new Error('A message has passed the tap by');
    this.options.onMessage(bytes, start, end, lsn);
    return undefined;
  }
}
