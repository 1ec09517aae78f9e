import { type TableSchema, tableName } from '../change/table-schema.ts';
import { OperatorError, RecordError } from '../errors.ts';
import type { RecordPlace } from './change-places.ts';

/** For whoever has no better word for a record that is damaged and covered by a checkpoint. */
const ADVICE =
  'It was damaged, or somebody else has written it: look at who has access to the topic. Make a new replica by a snapshot under a new topic.prefix.';

/** What is wrong with a record, said with its place. What is not about one record stays as it is. */
export function placed(error: unknown, { topic, partition, offset }: RecordPlace): unknown {
  if (!(error instanceof RecordError || (error instanceof OperatorError && error.isOfRecord))) return error;
  const message = `Record ${topic}/${partition}@${offset} cannot be read: ${error.message}`;
  const options = { cause: error.cause, advice: error.advice ?? ADVICE };
  return error instanceof RecordError ? new RecordError(message, options) : new OperatorError(message, options);
}

/** A change that the target does not take, said with the record that it came with. */
export function refusedAt(refused: RecordError, { topic, partition, offset }: RecordPlace): RecordError {
  const message = `Record ${topic}/${partition}@${offset} cannot be applied: ${refused.message}`;
  return new RecordError(message, { cause: refused.cause, advice: refused.advice ?? ADVICE });
}

/** An insert without a new row, a delete without an old one. */
export function withoutRow(table: TableSchema): RecordError {
  return new RecordError(`The value of a row of ${tableName(table)} lacks the row that its operation needs`);
}

/** A header that says more than this reader knows. */
export function unknownHeader(): RecordError {
  return new RecordError('Its header names an operation or a part that is not known', {
    advice: 'A newer Rowcast may have written it: start the newer Rowcast.',
  });
}

/** A key change is three records that follow each other: one half alone would lose a row, or leave one that is gone. */
export function halfMissing(where: string): RecordError {
  return new RecordError(`Half of a key change is missing ${where}`, { advice: ADVICE });
}
