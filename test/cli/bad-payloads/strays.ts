import { type BadPayload, foreign, framed, headed, told, valued, withHeader } from './payload.ts';

const MEGABYTE = 900_000;
const garbage = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919 + (i >> 8)) & 255));
const NEWER = /@\d+.* has format 9, this Rowcast reads format 1/;

/** Records between good ones that no checkpoint covers. */
export const STRAYS: readonly BadPayload[] = [
  { at: 'table topic', state: 'an empty value', record: foreign('') },
  { at: 'table topic', state: 'no value', record: foreign(null) },
  { at: 'table topic', state: 'one byte', record: foreign('x') },
  { at: 'table topic', state: 'one zero', record: foreign(Buffer.of(0)) },
  { at: 'table topic', state: 'a frame without a body', record: foreign(framed(1, [])) },
  { at: 'table topic', state: 'the id of a schema that nobody knows', record: foreign(framed(4_000_000_000, [1, 2])) },
  { at: 'table topic', state: 'JSON', record: foreign('{"op":"c","after":{"id":666,"note":"foreign"}}') },
  {
    at: 'table topic',
    state: 'text of another alphabet that is no UTF-8',
    record: foreign(Buffer.of(0xff, 0xfe, 0xc3)),
  },
  { at: 'table topic', state: 'JSON that is nested ten thousand deep', record: foreign('['.repeat(10_000)) },
  { at: 'table topic', state: 'almost a megabyte of garbage', record: foreign(garbage(MEGABYTE)) },
  { at: 'table topic', state: 'a key of garbage', record: foreign('x', garbage(2_000)) },
  { at: 'table topic', state: 'a tombstone of nobody', record: foreign(null, Buffer.of(0, 0, 0, 0, 1, 254, 255)) },
  { at: 'table topic', state: 'a good row once more, without its header', record: headed(() => undefined) },
  { at: 'table topic', state: 'a good row once more, as a mirror that loops sends it', record: (good) => good },
  {
    at: 'table topic',
    state: 'a good row under a later checkpoint number',
    record: headed((header) => Buffer.concat([header.subarray(0, 9), Buffer.alloc(6, 1), header.subarray(15)])),
  },
  { at: 'table topic', state: 'a header of no bytes', record: headed(() => Buffer.alloc(0)) },
  { at: 'table topic', state: 'a header that is too short', record: headed((header) => header.subarray(0, 24)) },
  { at: 'table topic', state: 'a header of garbage', record: headed(() => garbage(3_000)) },
  { at: 'table topic', state: 'a header of a newer version', record: headed((header) => header.fill(9, 0, 1)) },
  {
    at: 'table topic',
    state: 'a hundred headers',
    record: (good) => ({ ...good, headers: Array.from({ length: 100 }, (_, i) => [`h${i}`, garbage(i)] as const) }),
  },
  { at: 'table topic', state: 'an exact header of garbage', record: withHeader('rowcast.exact', garbage(500)) },
  { at: 'schema-changes', state: 'an empty announcement', record: valued(() => '') },
  { at: 'schema-changes', state: 'an announcement without a value', record: valued(() => null) },
  { at: 'schema-changes', state: 'an announcement that is no JSON', record: valued(() => '\u0001{"kind":"table","ta') },
  { at: 'schema-changes', state: 'an announcement of an unknown kind', record: valued(() => '\u0001{"kind":"poem"}') },
  { at: 'schema-changes', state: 'an announcement of no table', record: valued(() => '\u0001{"kind":"table"}') },
  {
    at: 'schema-changes',
    state: 'an announcement whose table is a number',
    record: valued(() => '\u0001{"kind":"table","table":7}'),
  },
  {
    at: 'schema-changes',
    state: 'an announcement that cannot be decompressed',
    record: valued(() => '\u0001{"kind":"table","deflated":"AAAA"}'),
  },
  {
    at: 'schema-changes',
    state: 'a truncate of a table that was never announced',
    record: valued(() => '\u0001{"kind":"truncate","tables":[77]}'),
  },
  { at: 'schema-changes', state: 'a truncate of no list', record: valued(() => '\u0001{"kind":"truncate"}') },
  { at: 'schema-changes', state: 'an announcement of garbage', record: valued(() => garbage(9_000)) },
  { at: 'schema-changes', state: 'an announcement without a header', record: foreign('{"kind":"table"}') },
  {
    at: 'schema-changes',
    state: 'an announcement of a newer Rowcast',
    record: headed((header) => header.fill(9, 0, 1)),
    says: NEWER,
  },
];

/** A log that has lost its end, and was written anew from there, looks the same: who read on would pass over rows. */
const UNCLAIMED = /checkpoints lost history: the claim at offset \d+ was not there before/;

/** Records between good checkpoints. */
export const FORGED: readonly BadPayload[] = [
  { at: 'checkpoints', state: 'an empty value', record: foreign('') },
  { at: 'checkpoints', state: 'no value', record: foreign(null) },
  { at: 'checkpoints', state: 'JSON without the version', record: foreign('{"kind":"checkpoint"}') },
  { at: 'checkpoints', state: 'JSON that ends in the middle', record: foreign('\u0001{"kind":"checkpoint","spans":[') },
  { at: 'checkpoints', state: 'a number', record: foreign('\u000142') },
  { at: 'checkpoints', state: 'a list', record: foreign('\u0001[1,2,3]') },
  {
    at: 'checkpoints',
    state: 'JSON that is nested ten thousand deep',
    record: foreign(`\u0001{"a":${'['.repeat(10_000)}`),
  },
  { at: 'checkpoints', state: 'almost a megabyte of garbage', record: foreign(garbage(MEGABYTE)) },
  {
    at: 'checkpoints',
    state: 'a kind that nobody knows',
    record: told(({ checkpoint }) => ({ ...checkpoint, kind: 'poem' })),
  },
  {
    at: 'checkpoints',
    state: 'a version that is not known yet',
    record: foreign('\u0009{"kind":"checkpoint"}'),
    says: /checkpoints.* format 9, this Rowcast reads format 2/,
  },
  { at: 'checkpoints', state: 'a checkpoint of another log', record: next({ logId: 'another' }) },
  { at: 'checkpoints', state: 'a claim of another log', record: told(({ claim }) => ({ ...claim, logId: 'another' })) },
  { at: 'checkpoints', state: 'a checkpoint of a negative epoch', record: next({ claim: -1 }) },
  { at: 'checkpoints', state: 'a checkpoint of an epoch to come', record: next({ claim: 1_000_000 }), says: UNCLAIMED },
  { at: 'checkpoints', state: 'a checkpoint once more', record: told(({ checkpoint }) => checkpoint) },
  { at: 'checkpoints', state: 'its number once more, with other spans', record: next({ number: 3 }) },
  { at: 'checkpoints', state: 'a checkpoint that has only a second part', record: next({ part: 1 }) },
  {
    at: 'checkpoints',
    state: 'a checkpoint of an epoch that no claim has',
    record: next({ claim: 1 }),
    says: UNCLAIMED,
  },
  { at: 'checkpoints', state: 'a checkpoint whose last part never comes', record: next({ last: false }) },
  { at: 'checkpoints', state: 'spans that are a text', record: next({ spans: 'all' }) },
  { at: 'checkpoints', state: 'spans that are numbers', record: next({ spans: [1, 2, 3] }) },
  { at: 'checkpoints', state: 'a span without numbers', record: next({ spans: [['shop.public.item', null]] }) },
  { at: 'checkpoints', state: 'a span of texts', record: next({ spans: [['shop.public.item', ['0', '1', '2']]] }) },
  { at: 'checkpoints', state: 'a span of two numbers', record: next({ spans: [['shop.public.item', [0, 1]]] }) },
  { at: 'checkpoints', state: 'a span of fractions', record: next({ spans: [['shop.public.item', [0, 0.5, 1]]] }) },
  {
    at: 'checkpoints',
    state: 'a span at a negative offset',
    record: next({ spans: [['shop.public.item', [0, -5, 1]]] }),
  },
  {
    at: 'checkpoints',
    state: 'a span of a negative count',
    record: next({ spans: [['shop.public.item', [0, 0, -1]]] }),
  },
  { at: 'checkpoints', state: 'a span of null', record: next({ spans: [null] }) },
  { at: 'checkpoints', state: 'a checkpoint without a number', record: next({ number: undefined }) },
  { at: 'checkpoints', state: 'a checkpoint whose number is a text', record: next({ number: '1e9' }) },
  { at: 'checkpoints', state: 'a checkpoint whose position is a number', record: next({ position: 7 }) },
  { at: 'checkpoints', state: 'a checkpoint without topic ids', record: next({ topicIds: null }) },
  { at: 'checkpoints', state: 'a checkpoint whose predecessor is a text', record: next({ previous: 'the last' }) },
  {
    at: 'checkpoints',
    state: 'a claim that names nobody',
    record: told(({ claim }) => ({ kind: 'claim', logId: claim.logId })),
  },
  {
    at: 'checkpoints',
    state: 'an acceptance of nothing',
    record: told(({ claim }) => ({ kind: 'acceptance', logId: claim.logId })),
  },
  {
    at: 'checkpoints',
    state: 'a checkpoint that skips the ones before',
    record: next({ previous: { offset: 0, claim: 0, position: '0' } }),
    says: /checkpoints lost history: checkpoint \d+ does not follow the one that was applied last/,
  },
];

/** What a forger who knows everything would write as the next checkpoint, but for these fields. */
function next(fields: Readonly<Record<string, unknown>>): BadPayload['record'] {
  return told(({ checkpoint }) => ({
    ...checkpoint,
    nonce: 'forged',
    number: Number(checkpoint.number) + 1_000,
    ...fields,
  }));
}
