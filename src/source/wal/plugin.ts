import type pg from 'pg';
import { AbstractPlugin } from 'pg-logical-replication/dist/output-plugins/abstract.plugin.js';
import { pinSession } from '../../postgres/connect.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifier.ts';
import { readLsn } from './decoder.ts';

/** The header of an XLogData message: kind, start LSN, WAL end, time. */
const HEADER_BYTES = 25;

export interface PluginOptions {
  readonly publication: string;
  /** The connection is there and its session is pinned; START_REPLICATION comes next. */
  readonly onSession: (client: pg.Client) => void;
  /** One pgoutput message, `bytes[start..end)`, good until the call returns; `lsn` is the place in the WAL it tells of. Must not throw. */
  readonly onMessage: (bytes: Buffer, start: number, end: number, lsn: number) => void;
}

/** Starts pgoutput with our options at 0/0 (where the slot stands) and hands its messages over undecoded. */
export class RawPgoutputPlugin extends AbstractPlugin<PluginOptions> {
  #memory: ArrayBufferLike | undefined;
  #bytes: Buffer = Buffer.alloc(0);

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

  /** `payload` is a view of the XLogData message, whose header stands before it: no object per message is made. */
  parse(payload: Buffer): undefined {
    if (payload.buffer !== this.#memory) {
      this.#memory = payload.buffer;
      this.#bytes = Buffer.from(payload.buffer);
    }
    const start = payload.byteOffset;
    const lsn = readLsn(this.#bytes, start - HEADER_BYTES + 1);
    this.options.onMessage(this.#bytes, start, start + payload.length, lsn);
    return undefined;
  }
}
