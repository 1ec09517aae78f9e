import { describe, inject, test } from 'vitest';
import { SOURCE_CHECKS } from '../../src/conformance/source-conformance.ts';
import type { SourceKit } from '../../src/conformance/source-kit.ts';
import { kafkaForTests } from '../support/kafka.ts';
import { queryKit, triggerKit, walKit } from './kits.ts';
import { kafkaLog } from './logs.ts';

/** What the log has a part in. */
const PROPERTIES = ['operations', 'atomic batches', 'resume', 'bounded memory'];
const CHECKS = SOURCE_CHECKS.filter(({ property }) => PROPERTIES.includes(property));
const KITS: readonly SourceKit[] = [walKit, queryKit('xid'), triggerKit];
const kafka = kafkaForTests();

describe.skipIf(kafka === undefined).each(KITS)('source $name on Kafka', (kit) => {
  test.each(CHECKS)('$property: $promise', async (check) => {
    const server = inject('postgres');
    const openLog = () => kafkaLog(kafka?.bootstrap ?? '');
    await check.run(kit, { source: server, replica: server, openLog, effort: 'short' });
  });
});
