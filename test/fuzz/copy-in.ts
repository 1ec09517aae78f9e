import type pg from 'pg';

/** The parts of pg's connection that a query of our own uses. */
interface Wire {
  query(sql: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** COPY … FROM STDIN of `data`, which pg has no call for. */
export async function copyIn(client: pg.Client, sql: string, data: string): Promise<void> {
  let failure: Error | undefined;
  await new Promise<void>((resolve) => {
    const query = {
      submit: (wire: Wire): void => wire.query(sql),
      handleCopyInResponse: (wire: Wire): void => {
        wire.sendCopyFromChunk(Buffer.from(data));
        wire.endCopyFrom();
      },
      handleCommandComplete: (): void => undefined,
      handleError: (error: Error): void => {
        failure = error;
        resolve(); // pg tells nothing more to a query that has failed
      },
      handleReadyForQuery: (): void => resolve(),
    };
    client.query(query as unknown as pg.Submittable);
  });
  if (failure !== undefined) throw failure;
}
