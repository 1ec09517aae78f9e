import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';

/** An embedded log in a directory of its own, which goes with it. */
export async function scratchEmbeddedLog(): Promise<Log> {
  const directory = await mkdtemp(join(tmpdir(), 'rowcast-conformance-'));
  const log = await openEmbeddedLog(directory);
  const close = log[Symbol.asyncDispose].bind(log);
  return Object.assign(log, {
    async [Symbol.asyncDispose]() {
      await close();
      await rm(directory, { recursive: true, force: true });
    },
  });
}

/** A log on a broker that others may use as well. */
export async function kafkaLog(bootstrap: string): Promise<Log> {
  const settings = { bootstrapServers: [bootstrap], clientId: 'conformance' };
  return await openKafkaLog(settings, new AbortController().signal);
}
