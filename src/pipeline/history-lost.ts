import { PositionLostError } from '../errors.ts';
import { checkpointsTopic } from '../log/protocol/topics.ts';

/** Says that the checkpoints of a source are not those that a sink has applied. */
export function historyLost(prefix: string, what: string): PositionLostError {
  return new PositionLostError(`Topic ${checkpointsTopic(prefix)} lost history: ${what}`, {
    advice: 'It was deleted, trimmed or changed by hand. Make a new replica by a snapshot under a new topic.prefix.',
  });
}

/** Throws PositionLostError when a topic has another id than was expected: nobody may have put another one in its place. */
export function assertSameTopics(expected: Readonly<Record<string, string>>, ids: ReadonlyMap<string, string>): void {
  for (const [topic, id] of Object.entries(expected)) {
    const actual = ids.get(topic);
    if (actual === undefined || actual === id) continue;
    throw new PositionLostError(`Topic ${topic} was deleted and created again: its history is lost`, {
      advice: 'Make a new replica by a snapshot under a new topic.prefix.',
    });
  }
}
