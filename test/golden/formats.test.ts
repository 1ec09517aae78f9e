import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ExactReader } from '../../src/converter/exact.ts';
import { OperatorError } from '../../src/errors.ts';
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts';
import { decodeControl } from '../../src/log/protocol/control-codec.ts';
import { CheckpointCounter } from '../../src/log/protocol/counter.ts';
import { HEADER_BYTES, headerClaim, headerNumber, isHeader, refuseNewerHeader } from '../../src/log/protocol/header.ts';
import { decodeLedgerRecord } from '../../src/log/protocol/records.ts';
import { lowestOffsets, readHistory } from '../../src/pipeline/ledger.ts';
import { partialIn } from '../../src/pipeline/partial.ts';
import { loadTableVersions } from '../../src/pipeline/table-versions.ts';
import { progressOf } from '../../src/sink/postgres/progress.ts';
import type { TableSchema } from '../../src/change/table-schema.ts';
import { recordSet } from '../log/records.ts';
import { goldenRecords, goldenState, goldenText, goldenValues, recordsOf } from './golden.ts';

const signal: AbortSignal = new AbortController().signal;
const CHECKPOINTS = 'shop.checkpoints';

test('an embedded log of format 1 has every record that was written to it', async () => {
  await using log = await openEmbeddedLog(join(goldenState(), 'log'));
  const topics = [...new Set(goldenRecords().map(({ topic }) => topic))];
  expect(topics).toHaveLength(6);
  const found = [];
  for (const topic of topics) found.push(...(await recordsOf(log, topic, signal)));
  expect(found).toEqual(goldenRecords());
});

test('checkpoints of format 1 count, and lead to the last one', async () => {
  const counter = new CheckpointCounter();
  const positions = goldenValues(CHECKPOINTS).flatMap((value, offset) => {
    const record = decodeLedgerRecord(value, CHECKPOINTS);
    const checkpoint = record && counter.feed(offset, record);
    return checkpoint ? [checkpoint] : [];
  });
  expect(positions.map(({ number }) => number)).toEqual(positions.map((_, i) => i));
  const last = positions.at(-1);
  await using log = await openEmbeddedLog(join(goldenState(), 'log'));
  const { end } = await log.bounds(CHECKPOINTS, 0, signal);
  expect((await readHistory(log, 'shop', end, signal)).checkpoint).toEqual(last);
  expect(last?.consistent).toBe(true);
  const lowest = (await lowestOffsets(log, 'shop', signal)).map(({ topic, offset }) => [topic, offset]);
  expect(lowest).toContainEqual(['shop.public.customer', 0]);
});

test('checkpoints of format 2 count, and lead to the copies that are gone on with', async () => {
  const values = goldenValues(CHECKPOINTS, 'v2');
  const counter = new CheckpointCounter();
  const counting = values.flatMap((value, offset) => {
    const record = decodeLedgerRecord(value, CHECKPOINTS);
    // Who knows format 1 alone must stop exactly there.
    expect(value[0]).toBe(record?.kind === 'checkpoint' && record.requests !== undefined ? 2 : 1);
    const checkpoint = record && counter.feed(offset, record);
    return checkpoint ? [checkpoint] : [];
  });
  expect(counting.map(({ number }) => number)).toEqual(counting.map((_, i) => i));
  const states = counting.flatMap(({ requests }) => requests?.tables ?? []);
  expect(states.some(({ condition }) => condition === 'id > 9')).toBe(true);
  expect(states.some(({ isBlocking }) => isBlocking)).toBe(true);
  expect(states.some(({ isNeeded, begun }) => isNeeded === true && begun?.fingerprint === '')).toBe(true);

  await using log = await openEmbeddedLog(mkdtempSync(join(tmpdir(), 'rowcast-golden-')));
  await log.createTopics([{ name: CHECKPOINTS, partitions: 1, config: {} }], signal);
  const records = recordSet(values.map((value) => ({ key: null, value, headers: [] })));
  await log.publish([{ topic: CHECKPOINTS, partition: 0, records }], undefined, signal);
  const { checkpoint } = await readHistory(log, 'shop', values.length, signal);
  expect(checkpoint).toEqual(counting.at(-1));
  const { requests, signals } = checkpoint ?? {};
  expect({ requests, signals }).toEqual(JSON.parse(goldenText('requests.json', 'v2')));
  expect(partialIn({ requests }, { accepts: undefined })).toEqual({ partial: ['public.orders'] });
});

test('control records beside checkpoints of format 2 say what they said', () => {
  const kinds = goldenValues('shop.schema-changes', 'v2').map(
    (value) => decodeControl(value, 'shop.schema-changes', () => NO_TABLE).kind,
  );
  expect(new Set(kinds)).toEqual(new Set(['table', 'snapshot-begin', 'snapshot-again', 'snapshot-end']));
});

test('headers and control records of format 1 say what they said', async () => {
  await using log = await openEmbeddedLog(join(goldenState(), 'log'));
  const versions = await loadTableVersions(log, 'shop', 0, signal);
  for (const { topic, header, value, exact } of goldenRecords()) {
    if (header === undefined) continue;
    const bytes = Buffer.from(header, 'hex');
    expect(isHeader(bytes, 0, bytes.length)).toBe(true);
    expect(bytes).toHaveLength(HEADER_BYTES);
    const claim = headerClaim(bytes, 0);
    expect(headerNumber(bytes, 0)).toBeLessThan(100);
    if (exact !== undefined) expect(() => entriesOf(exact)).not.toThrow();
    if (topic !== 'shop.schema-changes' || value === null) continue;
    const control = decodeControl(Buffer.from(value, 'hex'), topic, (version) => versions.get(claim, version));
    expect(['table', 'snapshot-begin', 'snapshot-end']).toContain(control.kind);
  }
});

test('progress of format 1, which had no version, is read', () => {
  const [, offset, state] =
    /values \('replica', 'shop', \d+, (\d+), '(\{.*\})'\);/.exec(goldenText('target.sql')) ?? [];
  const progress = progressOf('replica', offset as string, state as string);
  expect(progress).toMatchObject({ checkpointOffset: Number(offset), consistent: true });
});

test.each(['null', '5', '"x"', '[]', '{', '{"checkpointOffset":4}', '{"checkpointOffset":4,"logId":null}'])(
  'progress that somebody has edited is refused by name: %s',
  (state) => {
    expect(() => progressOf('replica', '4', state)).toThrow(OperatorError);
    expect(() => progressOf('replica', '4', state)).toThrow('The progress of connector "replica" contradicts itself');
  },
);

const NEWER = /has format 2, this Rowcast reads format 1|holds records of format 3, this Rowcast reads format 2/;

test('a newer checkpoint, control record, header or exact header is refused by name', () => {
  const [checkpoint, control] = [goldenValues(CHECKPOINTS).at(-1), goldenValues('shop.schema-changes')[0]];
  const header = goldenRecords().find((record) => record.header !== undefined)?.header as string;
  const exact = goldenRecords().find((record) => record.exact !== undefined)?.exact as string;
  const reads: readonly [string, () => unknown][] = [
    [CHECKPOINTS, () => decodeLedgerRecord(bumped(checkpoint as Buffer, 3), CHECKPOINTS)],
    ['shop.schema-changes', () => decodeControl(bumped(control as Buffer, 3), 'shop.schema-changes', () => NO_TABLE)],
    [
      'shop.public.t/0@7',
      () => refuseNewerHeader(bumped(Buffer.from(header, 'hex')), 0, HEADER_BYTES, 'shop.public.t/0@7'),
    ],
    ['rowcast.exact', () => entriesOf(bumped(Buffer.from(exact, 'hex')).toString('hex'))],
    ['connector "replica" in rowcast.progress', () => progressOf('replica', '4', '{"version":2,"checkpointOffset":4}')],
  ];
  for (const [name, read] of reads) {
    const refused = refusal(read);
    expect(refused.message).toContain(name);
    expect(refused.message).toMatch(NEWER);
    expect(refused.advice).toContain('start the newer Rowcast');
  }
});

test.each(['catalog.json', 'releases.json', 'segment-000000000001.log'])(
  'a newer %s is refused by name, and nothing in the directory changes',
  async (name) => {
    const directory = join(goldenState(), 'log');
    const path = join(directory, name);
    const bytes = readFileSync(path);
    if (name.endsWith('.json'))
      writeFileSync(path, bytes.toString('latin1').replace(/^rowcast 1 /, 'rowcast 2 '), 'latin1');
    else {
      bytes.writeUInt16BE(2, 8);
      writeFileSync(path, bytes);
    }
    const before = contentOf(directory);
    const refused = await openEmbeddedLog(directory).then(
      () => undefined,
      (error: unknown) => error as OperatorError,
    );
    expect(refused).toBeInstanceOf(OperatorError);
    expect(refused?.message).toContain(name);
    expect(refused?.message).toMatch(NEWER);
    expect(refused?.advice).toContain('start the newer Rowcast');
    expect(contentOf(directory)).toEqual(before);
  },
);

const NO_TABLE = {} as TableSchema;

function entriesOf(hex: string): number {
  const reader = new ExactReader();
  const bytes = Buffer.from(hex, 'hex');
  reader.open(bytes, 0, bytes.length);
  let entries = 0;
  while (reader.next()) entries++;
  return entries;
}

function bumped(bytes: Buffer, format = 2): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = format;
  return copy;
}

function refusal(read: () => unknown): OperatorError {
  try {
    read();
  } catch (error) {
    return error as OperatorError;
  }
  throw new Error('It was read');
}

/** Locks apart: who has the directory open is nobody's data. */
function contentOf(directory: string): readonly (readonly [string, string])[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith('lock-'))
    .map((name) => [name, readFileSync(join(directory, name), 'hex')] as const);
}
