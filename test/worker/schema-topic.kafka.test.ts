import { describe, expect, test } from 'vitest';
import { createLogSchemaStore } from '../../src/converter/registry/log-store.ts';
import { IncompatibleSchema, type SubjectVersion } from '../../src/converter/registry/registry.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { schemaTopic } from '../../src/worker/schema-topic.ts';
import { kafkaForTests, uniqueName } from '../support/kafka.ts';

const { signal } = new AbortController();
const schemaOf = (type: string): string => `{"type":"record","name":"R","fields":[{"name":"a","type":"${type}"}]}`;

describe.skipIf(kafkaForTests() === undefined)('on a real broker', () => {
  test('two daemons over one topic give each id and each version once, whoever is first', async () => {
    const settings = { bootstrapServers: [kafkaForTests()?.bootstrap ?? ''], clientId: 'registry' };
    await using one = await openKafkaLog(settings);
    await using two = await openKafkaLog(settings);
    const daemons = [one, two].map((log) => createLogSchemaStore(schemaTopic(log, Date.now)));
    for (let round = 0; round < 5; round++) {
      const subject = uniqueName('race');
      const answers = await Promise.all(
        daemons.flatMap((registry, which) => [
          registry.register(subject, schemaOf('int'), signal),
          registry
            .registerChecked(subject, schemaOf(which === 0 ? 'string' : 'long'), signal)
            .catch((error: unknown) => {
              if (error instanceof IncompatibleSchema) return undefined;
              throw error;
            }),
        ]),
      );
      const [first, second] = await Promise.all(
        daemons.map(async (registry) => (await registry.versions(signal)).filter((each) => each.subject === subject)),
      );
      expect(first).toEqual(second);
      const made = first as readonly SubjectVersion[];
      expect(made.map(({ version }) => version)).toEqual(made.map((_, index) => index + 1));
      expect(answers[0]).toBe(answers[2]);
      for (const answer of [answers[1], answers[3]]) {
        if (typeof answer === 'object') expect(made).toContainEqual(answer);
      }
    }
  });
});
