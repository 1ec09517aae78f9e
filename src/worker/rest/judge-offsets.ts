import { isJsonObject, type JsonObject } from '../../json.ts';
import { refusal } from './answer.ts';

/** One partition and where the connector stands in it, as Connect has it; `null` offset: from the beginning. */
export interface Offset {
  readonly partition: JsonObject;
  readonly offset: JsonObject | null;
}

/**
 * What a request to alter offsets amounts to. A connector's place is one checkpoint, so there is only `reset`, for offsets of `null`, and
 * `unchanged`, for those that hold already, as a tool sends them back that was shown them. Everything else is refused with 400: in Connect's words
 * where they are malformed, and where no such place exists with what can be done instead.
 */
export function judgeOffsets(
  name: string,
  kind: 'source' | 'sink',
  given: readonly unknown[],
  current: readonly Offset[],
): 'reset' | 'unchanged' {
  const offsets = given.map((each) => offsetIn(kind, each));
  for (const { partition } of offsets) refuseUnknown(name, partition, current);
  const nulls = offsets.filter(({ offset }) => offset === null).length;
  if (nulls === offsets.length) return 'reset';
  const holds = ({ partition, offset }: Offset): boolean => {
    const present = current.find((each) => isIn(partition, each.partition))?.offset;
    return offset !== null && isIn(offset, present ?? {});
  };
  if (nulls === 0 && offsets.every(holds)) return 'unchanged';
  throw refusal(
    400,
    `Failed to alter offsets for connector ${name} because it doesn't support external modification of offsets: ${REMEDY[kind]}`,
  );
}

const REMEDY = {
  source:
    'its place is a checkpoint that covers everything before it. An offset of null, or DELETE, lets it copy everything again; after a failover or an upgrade `rowcast offsets accept` goes on from where the server stands',
  sink: 'its place is stored with its rows, and at any other one the target would not be a state of the source. An offset of null, or DELETE, lets it replay the log from its beginning',
} as const;

function offsetIn(kind: 'source' | 'sink', value: unknown): Offset {
  const { partition, offset = null } = isJsonObject(value) ? value : {};
  if (!isJsonObject(partition)) {
    throw refusal(400, `The partition for a ${kind} connector offset cannot be null or missing`);
  }
  if (offset !== null && !isJsonObject(offset)) throw refusal(400, 'The offset must be an object, or null');
  if (kind === 'sink') checkSinkOffset(partition, offset);
  return { partition, offset };
}

function checkSinkOffset(partition: JsonObject, offset: JsonObject | null): void {
  if (!('kafka_topic' in partition) || !('kafka_partition' in partition)) {
    throw refusal(
      400,
      "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
    );
  }
  if (!isWhole(partition.kafka_partition)) {
    throw refusal(
      400,
      'Failed to parse the Kafka partition value in the provided offsets. Partition values for sink connectors need to be integers.',
    );
  }
  if (offset === null) return;
  if (!('kafka_offset' in offset)) {
    throw refusal(400, "The offset for a sink connector should either be null or contain the key 'kafka_offset'");
  }
  if (!isWhole(offset.kafka_offset)) {
    throw refusal(
      400,
      'Failed to parse the Kafka offset value in the provided offsets. Offset values for sink connectors need to be integers.',
    );
  }
}

/** One that has never run has no partition yet. */
function refuseUnknown(name: string, partition: JsonObject, current: readonly Offset[]): void {
  if (current.length === 0 || current.some((each) => isIn(partition, each.partition))) return;
  const known = current.map((each) => JSON.stringify(each.partition)).join(', ');
  throw refusal(400, `Connector ${name} has no such partition: there is ${known}`);
}

/** True when everything that is given stands in `present` too; a number may be written as a text, as Connect takes it. */
function isIn(given: JsonObject, present: JsonObject): boolean {
  return Object.entries(given).every(
    ([key, value]) => Object.hasOwn(present, key) && textOf(value) === textOf(present[key]),
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isWhole(value: unknown): boolean {
  return (typeof value === 'number' || typeof value === 'string') && /^\d{1,15}$/.test(String(value));
}
