import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../../postgres/identifier.ts';

/** What belongs to one set of triggers, as SQL: names are qualified and quoted. */
export interface TriggerNames {
  /** What was captured and not yet consumed. */
  readonly events: string;
  /** What tables looked like when events of them were written. */
  readonly shapes: string;
  /** How far the source has come that consumes the events. */
  readonly reader: string;
  /** Consumed events that are kept, by day; and the function that puts them there. */
  readonly kept: string;
  readonly keep: string;
  /** The function of all triggers but those of partitions' truncation. */
  readonly capture: string;
  readonly captureParts: string;
  readonly shapeOf: string;
  readonly relation: string;
  /** Triggers on a table; unquoted. Of all that fire after a row these are the first: a trigger of the application may change the same row again. */
  readonly rowTrigger: string;
  readonly truncateTrigger: string;
  /** Fires before a truncation: of a partitioned table, and of its partitions. */
  readonly partTrigger: string;
  readonly channel: string;
  /** Two integers as SQL: the advisory lock that a source holds while it sleeps. */
  readonly sleepLock: string;
}

/** What a set of triggers may be called. */
export const TRIGGER_NAME: RegExp = /^[a-z0-9_]{1,40}$/;

/** The names of everything that belongs to the set of triggers `name`. */
export function triggerNames(name: string): TriggerNames {
  if (!TRIGGER_NAME.test(name)) throw new Error(`Not a name of triggers: ${name}`);
  const own = (part: string): string => `rowcast.${quoteIdentifier(`${part}_${name}`)}`;
  const key = createHash('sha256').update(`rowcast triggers ${name}`).digest();
  return {
    events: own('events'),
    shapes: own('shapes'),
    reader: own('reader'),
    kept: own('kept'),
    keep: own('keep'),
    capture: own('capture'),
    captureParts: own('capture_parts'),
    shapeOf: own('shape_of'),
    relation: own('relation'),
    rowTrigger: `!rowcast_${name}`,
    truncateTrigger: `!rowcast_${name}_truncate`,
    partTrigger: `!rowcast_${name}_part`,
    channel: `rowcast_${name}`,
    sleepLock: `${key.readInt32BE(0)}, ${key.readInt32BE(4)}`,
  };
}
