import {
  type BadPayload,
  bodyOf,
  changed,
  cut,
  foreign,
  framed,
  headed,
  MARKER,
  spliced,
  valued,
  withHeader,
} from './payload.ts';

/** Every refusal of a row says where it stands. */
const unreadable = (why: string): RegExp => new RegExp(`^Record shop\\.public\\.item/0@\\d+ .*${why}`);
/** What only the target can judge. */
const REFUSED = (why: string): RegExp =>
  new RegExp(
    `^Record shop\\.public\\.item/0@\\d+ cannot be applied: Cannot apply changes to "public"\\."item" on the target.*${why}`,
  );
const CUT = unreadable('is cut off');
const NOT_OURS =
  /^Topic shop\.public\.item, partition 0 lost history: the record at offset \d+ is not one of Rowcast's/;
const OTHER = /^Topic shop\.public\.item, partition 0 lost history: .* offset \d+ belongs to another checkpoint/;
const INDEX = /lost history: its record \d+ is in none of its spans/;
const CONTROL = /^Record shop\.schema-changes\/0@\d+ /;
/** 2^31 and -2^31 as Avro writes them. */
const HUGE = [0x80, 0x80, 0x80, 0x80, 0x10];
const HUGE_NEGATIVE = [0xff, 0xff, 0xff, 0xff, 0x0f];
const ENDLESS = Array.from({ length: 20 }, () => 0xff);

/** What takes the place of a good row that a checkpoint covers. */
export const FAULTS: readonly BadPayload[] = [
  {
    at: 'row',
    state: 'a row without its value',
    record: valued(() => null),
    says: unreadable('The value of a row of public\\.item is missing'),
  },
  { at: 'row', state: 'an empty value', record: valued(() => ''), says: unreadable('has no schema id') },
  { at: 'row', state: 'one byte', record: valued(() => '\u0000'), says: unreadable('has no schema id') },
  {
    at: 'row',
    state: 'JSON instead of Avro',
    record: valued(() => '{"op":"c"}'),
    says: unreadable('has no schema id'),
  },
  {
    at: 'row',
    state: 'another first byte',
    record: valued((v) => v.fill(1, 0, 1)),
    says: unreadable('has no schema id'),
  },
  { at: 'row', state: 'a frame without a body', record: valued((v) => v.subarray(0, 5)), says: CUT },
  {
    at: 'row',
    state: 'the id of a schema that nobody knows',
    record: valued((v) => framed(4_000_000_000, bodyOf(v))),
    says: unreadable('Schema 4000000000 is not in the built-in registry'),
  },
  {
    at: 'row',
    state: 'the id of a key',
    record: valued((v, { ids }) => framed(ids.key, bodyOf(v))),
    says: unreadable('is not an envelope'),
  },
  {
    at: 'row',
    state: "the id of another table's values",
    record: valued((v, { ids }) => framed(ids.other, bodyOf(v))),
    says: unreadable('shop\\.public\\.other\\.Envelope, where values of topic shop\\.public\\.item have'),
  },
  {
    at: 'row',
    state: "another table's value, under a good header",
    record: valued((_, { otherValue }) => otherValue),
    says: unreadable('shop\\.public\\.other\\.Envelope, where values of topic shop\\.public\\.item have'),
  },
  {
    at: 'row',
    state: 'a value that was flattened',
    record: valued((_, { ids }) => framed(ids.flat, [2, 4])),
    says: unreadable('is not an envelope'),
  },
  { at: 'row', state: 'cut off before the text', record: cut(-2), says: CUT },
  { at: 'row', state: "cut off in the text's length", record: cut(-1), says: CUT },
  { at: 'row', state: 'cut off in the text', record: cut(3), says: CUT },
  { at: 'row', state: 'cut off behind the text', record: cut(6), says: CUT },
  { at: 'row', state: 'cut off in the number', record: cut(9), says: CUT },
  { at: 'row', state: 'cut off in the last column', record: cut(23), says: CUT },
  { at: 'row', state: 'cut off behind the row', record: cut(MARKER.length + 19) },
  { at: 'row', state: 'bytes behind the end', record: valued((v) => Buffer.concat([v, Buffer.alloc(1_000, 7)])) },
  { at: 'row', state: 'a text longer than the record', record: spliced(-1, 1, 0xfe, 0x7f), says: CUT },
  {
    at: 'row',
    state: 'a text of two gigabytes',
    record: spliced(-1, 1, ...HUGE),
    says: unreadable('out of range|cut off'),
  },
  { at: 'row', state: 'a text of a negative length', record: spliced(-1, 1, ...HUGE_NEGATIVE), says: CUT },
  {
    at: 'row',
    state: 'a length that never ends',
    record: spliced(-1, 1, ...ENDLESS),
    says: unreadable('out of range'),
  },
  { at: 'row', state: 'a union branch that there is not', record: spliced(-2, 1, 8), says: unreadable('union') },
  { at: 'row', state: 'a negative union branch', record: spliced(-2, 1, 1), says: unreadable('union') },
  {
    at: 'row',
    state: 'a text that is no UTF-8',
    record: spliced(0, 1, 0xff),
    says: REFUSED('column "note" is no UTF-8'),
  },
  { at: 'row', state: 'a text with a zero', record: spliced(0, 1, 0), says: REFUSED('column "note" has a zero byte') },
  {
    at: 'row',
    state: 'a number of two thousand million digits',
    record: spliced(7, 1, ...HUGE),
    says: unreadable('out of range|numeric'),
  },
  { at: 'row', state: 'an array of 2^31 items', record: blocks(...HUGE), says: unreadable('out of range|cut off') },
  { at: 'row', state: 'an array block of -2^31 items', record: blocks(...HUGE_NEGATIVE, 0, 0), says: CUT },
  { at: 'row', state: 'an array block of a negative size', record: blocks(1, 1, 0), says: CUT },
  { at: 'row', state: 'an array block larger than the record', record: blocks(1, 0xfe, 0x7f), says: CUT },
  { at: 'row', state: 'a map of 2^31 entries', record: blocks(0, ...HUGE), says: unreadable('out of range|cut off') },
  { at: 'row', state: 'a map key longer than the record', record: blocks(0, 2, 0xfe, 0x7f), says: CUT },
  {
    at: 'row',
    state: 'an envelope that has no row',
    record: valued((v) => framed(v.readUInt32BE(1), [0, 0, 0, 0])),
    says: unreadable(''),
  },
  { at: 'row', state: 'a header that was lost', record: headed(() => undefined), says: NOT_OURS },
  { at: 'row', state: 'a header of no bytes', record: headed(() => Buffer.alloc(0)), says: NOT_OURS },
  { at: 'row', state: 'a header that is a byte too short', record: headed((h) => h.subarray(0, 24)), says: NOT_OURS },
  { at: 'row', state: 'a header of garbage', record: headed(() => Buffer.alloc(25, 0xee)), says: NOT_OURS },
  { at: 'row', state: 'a header of version 0', record: headed((h) => h.fill(0, 0, 1)), says: NOT_OURS },
  {
    at: 'row',
    state: 'a header that is longer than it was',
    record: headed((h) => Buffer.concat([h, Buffer.alloc(9)])),
  },
  {
    at: 'row',
    state: 'a header of a newer version',
    record: headed((h) => h.fill(9, 0, 1)),
    says: /^The header of record shop\.public\.item\/0@\d+ has format 9/,
  },
  {
    at: 'row',
    state: 'an operation that there is not',
    record: headed((h) => h.fill(77, 1, 2)),
    says: unreadable('an operation or a part that is not known'),
  },
  {
    at: 'row',
    state: 'a part that there is not',
    record: headed((h) => h.fill(77, 2, 3)),
    says: unreadable('an operation or a part that is not known'),
  },
  { at: 'row', state: 'a row that says it is control', record: headed((h) => h.fill(0, 1, 2)), says: unreadable('') },
  {
    at: 'row',
    state: 'an insert that says it is an update',
    record: headed((h) => h.fill(2, 1, 2)),
    says: /^(Table|Cannot apply changes to|Record) .*item/,
  },
  {
    at: 'row',
    state: 'an insert that says it is a delete',
    record: headed((h) => h.fill(3, 1, 2)),
    says: /^(Table|Cannot apply changes to|Record) .*item/,
  },
  {
    at: 'row',
    state: 'an insert that says it is a key change',
    record: headed((h) => h.fill(4, 1, 2)),
    says: /^(Table|Cannot apply changes to|Record) .*item/,
  },
  {
    at: 'row',
    state: 'the old half of a key change without the new one',
    record: headed((h) => h.fill(2, 2, 3)),
    says: unreadable(''),
  },
  {
    at: 'row',
    state: 'the new half of a key change without the old one',
    record: headed((h) => h.fill(3, 2, 3)),
    says: /^(Table|Cannot apply changes to|Record) .*item/,
  },
  {
    at: 'row',
    state: 'the old half of a key change, and never the new one',
    record: (good, facts) => headed((h) => h.fill(4, 1, 2).fill(2, 2, 3))(deleted(good, facts), facts),
    says: /^(Record shop\.public\.item\/0@\d+ .*: )?Half of a key change is missing/,
  },
  { at: 'row', state: 'another claim', record: headed((h) => h.fill(7, 3, 9)), says: OTHER },
  { at: 'row', state: 'another checkpoint number', record: headed((h) => h.fill(7, 9, 15)), says: OTHER },
  { at: 'row', state: 'another index', record: headed((h) => h.fill(7, 15, 21)), says: INDEX },
  {
    at: 'row',
    state: 'a table version that was never announced',
    record: headed((h) => h.fill(7, 21, 25)),
    says: /schema-changes lost history: version \d+ of claim \d+ is missing/,
  },
  {
    at: 'row',
    state: 'an exact header of a newer version',
    record: withHeader('rowcast.exact', Buffer.of(9)),
    says: /^Record shop\.public\.item\/0@\d+ .*9/,
  },
  {
    at: 'row',
    state: 'an exact header that is cut off',
    record: withHeader('rowcast.exact', Buffer.of(1, 1)),
    says: CUT,
  },
  { at: 'row', state: 'an exact text longer than the header', record: exact(1, 1, 1, 2, 200, 1), says: CUT },
  {
    at: 'row',
    state: 'an exact text for a column that there is not',
    record: exact(1, 1, 99, 1),
    says: unreadable('lacks'),
  },
  {
    at: 'row',
    state: 'an exact text for a row that there is not',
    record: exact(1, 0, 1, 1),
    says: unreadable('lacks'),
  },
  { at: 'row', state: 'an exact entry of an unknown kind', record: exact(1, 1, 1, 9), says: unreadable('unknown') },
  {
    at: 'row',
    state: 'an exact text that is no number',
    record: exact(1, 1, 2, 2, 1, 0x78),
    says: /^(Table|Cannot apply changes to|Record) .*item/,
  },
  {
    at: 'row',
    state: 'an exact text that is no UTF-8',
    record: exact(1, 1, 1, 2, 1, 0xff),
    says: /^(Table|Cannot apply changes to|Record) .*item/,
  },
  { at: 'row', state: 'a foreign record in its place', record: foreign('{"op":"c"}'), says: NOT_OURS },
  { at: 'truncate', state: 'a control record without a value', record: valued(() => null), says: CONTROL },
  { at: 'truncate', state: 'an empty control record', record: valued(() => ''), says: CONTROL },
  {
    at: 'truncate',
    state: 'a control record that ends in the middle',
    record: valued((v) => v.subarray(0, 20)),
    says: CONTROL,
  },
  {
    at: 'truncate',
    state: 'a control record of an unknown kind',
    record: changed((json) => ({ ...json, kind: 'poem' })),
    says: CONTROL,
  },
  {
    at: 'truncate',
    state: 'a truncate of no list',
    record: changed((json) => ({ ...json, tables: 7 })),
    says: CONTROL,
  },
  {
    at: 'truncate',
    state: 'a truncate of a table that was never announced',
    record: changed((json) => ({ ...json, tables: [77] })),
    says: /schema-changes lost history: version 77/,
  },
  {
    at: 'truncate',
    state: 'a control record of a newer format',
    record: valued((v) => v.fill(9, 0, 1)),
    says: /schema-changes.* format 9/,
  },
  { at: 'checkpoint', state: 'a checkpoint without a value', record: valued(() => null), says: /does not follow/ },
  { at: 'checkpoint', state: 'a checkpoint of garbage', record: valued(() => 'garbage'), says: /does not follow/ },
  {
    at: 'checkpoint',
    state: 'a checkpoint that ends in the middle',
    record: valued((v) => v.subarray(0, 50)),
    says: /does not follow/,
  },
  {
    at: 'checkpoint',
    state: 'a checkpoint without spans',
    record: changed((json) => ({ ...json, spans: [] })),
    says: INDEX,
  },
  {
    at: 'checkpoint',
    state: 'spans that are not lists',
    record: changed((json) => ({ ...json, spans: [7] })),
    says: /does not follow/,
  },
  {
    at: 'checkpoint',
    state: 'a span beyond the end of its topic',
    record: changed((json) => ({ ...json, spans: [['shop.public.item', [0, 1_000_000, 1]]] })),
    says: /shop\.public\.item.*1000000/,
  },
  {
    at: 'checkpoint',
    state: 'a span of a partition that there is not',
    record: changed((json) => ({ ...json, spans: [['shop.public.item', [7, 0, 1]]] })),
    says: /shop\.public\.item.*7/,
  },
  {
    at: 'checkpoint',
    state: 'a span of a topic that there is not',
    record: changed((json) => ({ ...json, spans: [['shop.public.nothing', [0, 0, 1]]] })),
    says: /shop\.public\.nothing/,
  },
  {
    at: 'checkpoint',
    state: 'a span of records of another checkpoint',
    record: changed((json) => ({ ...json, spans: [['shop.public.item', [0, 0, 1]]] })),
    says: /^Topic shop\.public\.item, partition 0 lost history/,
  },
  {
    at: 'checkpoint',
    state: 'more records than its spans have',
    record: changed((json) => ({ ...json, records: 99 })),
    says: INDEX,
  },
  {
    at: 'checkpoint',
    state: 'a topic that was made again',
    record: changed((json) => ({ ...json, topicIds: { 'shop.public.item': 'another' } })),
    says: /shop\.public\.item was deleted and created again/,
  },
  {
    at: 'checkpoint',
    state: 'a position that falls',
    record: changed((json) => ({ ...json, position: '0000000000000001' })),
    says: /falls back/,
  },
];

function exact(...bytes: number[]): BadPayload['record'] {
  return withHeader('rowcast.exact', Buffer.from(bytes));
}

/** A value of an envelope with an array and a map before its row; these bytes stand where the array begins. */
function blocks(...bytes: number[]): BadPayload['record'] {
  return valued((_, { ids }) => framed(ids.blocks, [...bytes, 0]));
}

/** The row as the one that was, and none that is. */
const deleted = valued((value) => {
  const end = value.indexOf(MARKER) + MARKER.length + 19;
  return Buffer.concat([value.subarray(0, 5), Buffer.of(2), value.subarray(7, end), Buffer.of(0), value.subarray(end)]);
});
