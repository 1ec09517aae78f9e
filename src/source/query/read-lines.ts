import type pg from 'pg';
import type { Batch } from '../../change/batch.ts';
import { copyOut } from '../snapshot/copy-out.ts';
import { Handover } from '../snapshot/handover.ts';

/**
 * Runs a COPY and gives each of its lines to `line`; the batches that `line` hands to `put` meanwhile are given on. The socket waits whenever
 * `line` answers true, until they are taken. Whoever leaves early loses the connection. Throws what the server says.
 */
export async function* readLines(
  client: pg.ClientBase,
  sql: string,
  line: (line: Buffer, put: (batch: Batch) => void) => boolean,
): AsyncGenerator<Batch> {
  const handover = new Handover<Batch>();
  const put = (batch: Batch): void => handover.put(batch, handover);
  const copied = copyOut(
    client,
    sql,
    (bytes) => line(bytes, put),
    () => handover.drained(handover),
  ).then(
    () => handover.end(),
    (error: unknown) => handover.close(error),
  );
  try {
    yield* handover;
    await copied;
  } finally {
    handover.close(new Error('The poll was left'));
  }
}

/** As `readLines`, for lines of which no batches are made. */
export async function readEachLine(client: pg.ClientBase, sql: string, line: (line: Buffer) => void): Promise<void> {
  await copyOut(
    client,
    sql,
    (bytes) => {
      line(bytes);
      return false;
    },
    () => Promise.resolve(),
  );
}
