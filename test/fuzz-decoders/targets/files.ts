import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts';
import { FRAME_MAGIC, FRAME_PREFIX_BYTES } from '../../../src/log/embedded/format.ts';
import { readRecords, texts } from '../../log/records.ts';
import { progressOf } from '../../../src/sink/postgres/progress.ts';
import type { Target } from '../target.ts';

const SEGMENT = 'segment-000000000001.log';
const { signal } = new AbortController();

let directory: string | undefined;
let originals: ReadonlyMap<string, Buffer> = new Map();

/** A small log in a directory that goes with the run's. */
async function embeddedFiles(): Promise<ReadonlyMap<string, Buffer>> {
  if (directory !== undefined) return originals;
  const made = mkdtempSync(join(tmpdir(), 'rowcast-fuzz-log-'));
  const log = await openEmbeddedLog(made);
  await log.createTopics(
    [
      { name: 'data', partitions: 1, config: {} },
      { name: 'kept', partitions: 1, config: { 'retention.ms': '-1' } },
    ],
    signal,
  );
  for (let i = 0; i < 3; i++)
    await log.publish([texts('data', 0, [`${i}`, 'x'])], () => [texts('kept', 0, [`${i}`])], signal);
  await log[Symbol.asyncDispose]();
  originals = new Map(
    readdirSync(made)
      .filter((name) => !name.startsWith('lock'))
      .map((name) => [name, readFileSync(join(made, name))]),
  );
  directory = made;
  return originals;
}

function target(name: string, reads: string, file: string, mend: (input: Buffer) => Buffer): Target {
  return {
    name,
    reads,
    corpus: async () => [(await embeddedFiles()).get(file) as Buffer],
    run: (input) => openWith(file, input),
    mend,
    mostBytes: (size) => 64 * 1024 * 1024 + 1024 * size,
  };
}

export const FILE_TARGETS: readonly Target[] = [
  target('embedded-segments', 'segments of the embedded log', SEGMENT, mendSegment),
  { ...target('embedded-catalog', 'the catalog of the embedded log', 'catalog.json', mendState), json: { prefix: 0 } },
  { ...target('embedded-releases', 'what readers of the embedded log have released', 'releases.json', mendState) },
  {
    name: 'sink-progress',
    reads: 'the progress row of a sink',
    json: { prefix: 0 },
    corpus: () => [
      Buffer.from(
        '{"logId":"l","clusterId":"c","claim":1,"number":7,"checkpointOffset":48,"position":"00","consistent":true,"topicIds":{},"filter":{"topics":[],"topicsRegex":[]},"partial":[],"version":1}',
      ),
    ],
    run: (input) => void progressOf('sink', '48', input.toString('utf8')),
  },
];

/** Opens the log with this file as it is now, and reads all of it. */
async function openWith(file: string, input: Buffer): Promise<void> {
  if (directory === undefined) return;
  for (const name of readdirSync(directory)) if (!originals.has(name)) rmSync(join(directory, name));
  for (const [name, bytes] of originals) writeFileSync(join(directory, name), name === file ? input : bytes);
  await using log = await openEmbeddedLog(directory);
  for (const topic of (await log.topics(['data', 'kept'], signal)).keys()) {
    const { start, end } = await log.bounds(topic, 0, signal);
    if (start >= end) continue;
    for (const { bytes } of await log.read([{ topic, partition: 0, offset: start }], 65_536, 0, signal))
      readRecords(bytes);
  }
}

/** Makes the checksums of the header and of every frame right. */
function mendSegment(input: Buffer): Buffer {
  if (input.length < 35) return input;
  const end = 31 + 10 * input.readUInt32BE(27);
  if (end + 4 > input.length) return input;
  input.writeUInt32BE(crc32c(input.subarray(0, end)), end);
  const salt = input.readUInt32BE(17);
  for (let at = input.indexOf(FRAME_MAGIC, end); at >= 0 && at + FRAME_PREFIX_BYTES <= input.length; ) {
    const frameEnd = Math.min(input.length, at + FRAME_PREFIX_BYTES + input.readUInt32BE(at + 4));
    input.writeUInt32BE(crc32c(input.subarray(at + FRAME_PREFIX_BYTES, frameEnd), salt), at + 8);
    at = input.indexOf(FRAME_MAGIC, at + 4);
  }
  return input;
}

/** The first line has the checksum of what follows. */
function mendState(input: Buffer): Buffer {
  const body = input.subarray(input.indexOf('\n') + 1);
  return Buffer.concat([Buffer.from(`rowcast 1 ${crc32c(body, 1)}\n`), body]);
}
