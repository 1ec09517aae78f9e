import { isJsonObject, type JsonObject } from '../../json.ts';

/**
 * True for what a Rowcast has written into the checkpoints topic. What only looks like it is a stray: passing over a record of ours is
 * noticed by the checkpoint that names it as the one before, but taking a stranger's for ours would stop everybody, or be waited for in vain.
 */
export function isLedgerRecord(json: JsonObject): boolean {
  if (!isText(json.logId)) return false;
  if (json.kind === 'claim') return isText(json.daemon) && isText(json.id) && isCount(json.booted);
  if (json.kind === 'acceptance') return isCount(json.checkpoint) && isText(json.slot) && isText(json.confirmed);
  return json.kind === 'checkpoint' && isCheckpoint(json);
}

function isCheckpoint({
  claim,
  number,
  previous,
  position,
  records,
  spans,
  topicIds,
  part,
  last,
}: JsonObject): boolean {
  return (
    [claim, number, records, part].every(isCount) &&
    isText(position) &&
    typeof last === 'boolean' &&
    (previous === null || isPrevious(previous)) &&
    isJsonObject(topicIds) &&
    Array.isArray(spans) &&
    spans.every(isSpans)
  );
}

function isPrevious(value: unknown): boolean {
  return isJsonObject(value) && isCount(value.offset) && isCount(value.claim) && isText(value.position);
}

/** A topic and its triples of partition, first offset and count. */
function isSpans(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [topic, numbers] = value as readonly unknown[];
  return isText(topic) && Array.isArray(numbers) && numbers.length % 3 === 0 && numbers.every(isCount);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** An offset, a number or a count: whole and not negative. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
