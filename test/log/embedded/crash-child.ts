import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { texts } from '../records.ts';

/** Appends until it is killed; says every commit that was acknowledged. Run by crash.test.ts with a directory as argument. */
const directory = process.argv[2];
if (directory === undefined) throw new Error('A directory is needed');
const signal: AbortSignal = new AbortController().signal;
const log = await openEmbeddedLog(directory, { segmentBytes: 20_000 });
const specs = [
  { name: 'data', partitions: 1, config: {} },
  { name: 'checkpoints', partitions: 1, config: { 'retention.ms': '-1' } },
];
await log.createTopics(specs, signal);
const { end } = await log.bounds('checkpoints', 0, signal);
for (let i = end; ; i++) {
  const value = `${i}`.padEnd((i * 37) % 3000);
  await log.publish([texts('data', 0, [value, value], 1000)], () => [texts('checkpoints', 0, [`${i}`])], signal);
  process.send?.(i);
  // Retention must survive the kill, too.
  if (i % 50 === 49) await log.release('sink', '', [{ topic: 'data', partition: 0, offset: 2 * (i - 20) }], signal);
}
