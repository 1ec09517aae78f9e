import { SCHEMAS_TOPIC } from '../../log/protocol/topics.ts';
import type { OutboxSettings } from './outbox-settings.ts';

/** Where an event goes, or why it cannot go anywhere: the rest of a sentence that begins with its column. */
export type EventTopic = { readonly topic: string } | { readonly problem: string };

const LONGEST_NAME = 249;
/** What names topics that Rowcast, or Kafka itself, reads commands or history from: whoever may write to an outbox may not write there. */
const RESERVED = /^_|\.(?:checkpoints|schema-changes)$|-signal$/;

/**
 * The topic of an event by the value that it is routed by. As in the names of table topics, characters that Kafka does not allow become
 * underscores; topics that hold history or commands are refused, because applications choose these values (Invariant 11).
 */
export function compileEventTopic({
  topicRegex,
  topicParts,
  reserved,
}: Pick<OutboxSettings, 'topicRegex' | 'topicParts' | 'reserved'>): (routedBy: string) => EventTopic {
  const expression = new RegExp(`^(?:${topicRegex})$`, 'u');
  const refused = new Set([SCHEMAS_TOPIC, ...reserved]);
  return (routedBy) => {
    const match = expression.exec(routedBy);
    if (match === null) return { problem: 'does not match route.topic.regex' };
    const topic = topicParts
      .map((part) => {
        if ('text' in part) return part.text;
        return (typeof part.group === 'number' ? match[part.group] : match.groups?.[part.group]) ?? '';
      })
      .join('')
      .replace(/[^A-Za-z0-9._-]/g, '_');
    if (topic === '' || topic === '.' || topic === '..') return { problem: 'gives no name of a topic' };
    if (topic.length > LONGEST_NAME) return { problem: 'gives a name that is too long for a topic' };
    if (refused.has(topic) || RESERVED.test(topic))
      return { problem: 'gives the name of a topic that is not for events' };
    return { topic };
  };
}
