import type { Random } from '../../../src/torture/random.ts';
import { arrayOf, type TypeSpec } from './type-spec.ts';

const LONG = Array.from({ length: 400 }, (_, i) => String.fromCharCode(97 + ((i * 7) % 26))).join('');
const NUMBER: TypeSpec['nth'] = (n) => String(n - 4);
const DAY = (n: number): string => String(1 + (n % 28)).padStart(2, '0');
const TEXTS = [
  '',
  ' ',
  'a',
  'NULL',
  '\\N',
  "it's",
  '"q"',
  'tab\tnew\nline\r',
  '\\',
  'ünï 表 😀',
  '{}',
  '0',
  LONG,
  'a,b',
  '\u0001',
];

function spec(sql: string, values: readonly string[], nth?: TypeSpec['nth'], widens?: readonly string[]): TypeSpec {
  return { sql, values, ...(nth && { nth }), ...(widens && { widens }) };
}

/** Equal values with different texts, where Postgres knows such. */
function either(...texts: ((n: number) => string)[]): NonNullable<TypeSpec['nth']> {
  return (n: number, random: Random) => random.pick(texts)(n);
}

const NUMERICS = [
  '0',
  '-0.0',
  '1.10',
  '1.100',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e400',
  '-123456789012345678901234567890.123456789',
  '1e-30',
  '0.00',
];
const FLOATS = ['0', '-0', 'NaN', 'Infinity', '-Infinity', '1.5', '-1e-37', '1e37', '0.1', '3.4028235e38'];
const TIMESTAMPS = [
  'epoch',
  'infinity',
  '-infinity',
  '4713-01-01 00:00:00 BC',
  '294276-12-31 23:59:59.999999',
  '2024-02-29 12:34:56.123456',
  '0001-01-01 00:00:00 BC',
  '1999-12-31 23:59:59.5',
];
/** Rounding the last microsecond of time gives what Postgres prints and does not take back. */
const ROUNDED = TIMESTAMPS.filter((text) => !text.startsWith('294276'));
const VARIED: readonly TypeSpec[] = [
  spec('boolean', ['t', 'f']),
  spec('smallint', ['0', '-32768', '32767', '7'], NUMBER, ['integer', 'bigint', 'numeric', 'text']),
  spec('integer', ['0', '-2147483648', '2147483647', '42'], NUMBER, ['bigint', 'numeric', 'text']),
  spec('bigint', ['0', '-9223372036854775808', '9223372036854775807', '9007199254740993'], NUMBER, ['numeric', 'text']),
  spec(
    'numeric',
    NUMERICS,
    either(
      (n) => `${n}`,
      (n) => `${n}.0`,
      (n) => `${n}.00`,
    ),
    ['text'],
  ),
  spec('numeric(12,4)', ['0', '1.1', '-99999999.9999', 'NaN', '0.0001'], NUMBER, ['numeric(20,4)', 'numeric', 'text']),
  spec('numeric(5,-2)', ['0', '100', '-1234500', 'NaN']),
  spec('numeric(3,5)', ['0', '0.00123', '-0.00999']),
  spec('real', [...FLOATS, '1e-45'], NUMBER, ['text']),
  spec(
    'double precision',
    [...FLOATS, '5e-324', '1.7976931348623157e308', '0.30000000000000004'],
    either(
      (n) => (n === 4 ? '-0' : String(n - 4)),
      (n) => String(n - 4),
    ),
    ['text'],
  ),
  spec('money', ['0', '-92233720368547758.08', '92233720368547758.07', '1.05']),
  spec('text', TEXTS, (n) => ['', ' ', 'ä', "'", '\\', 'A', 'a', '\t'][n % 8] + String(n >> 3)),
  spec('character varying', TEXTS, (n) => `v${n}`, ['text']),
  spec('character varying(420)', TEXTS, (n) => `v${n}`, ['character varying(500)', 'character varying', 'text']),
  spec(
    'character(8)',
    ['', 'a', 'ab cd', 'ü', '12345678'],
    either(
      (n) => `c${n}`,
      (n) => `c${n}  `,
    ),
  ),
  spec('"char"', ['a', '', '\\', "'", '\\377']),
  spec('name', ['', 'abc', 'Ü b'], (n) => `n${n}`, ['text']),
  spec(
    'bytea',
    ['\\x', '\\x00', '\\xdeadbeef00ff', `\\x${'5c27'.repeat(60)}`],
    (n) => `\\x00${n.toString(16).padStart(2, '0')}`,
    ['text'],
  ),
  spec(
    'date',
    ['epoch', 'infinity', '-infinity', '4713-01-01 BC', '5874897-12-31', '2024-02-29'],
    (n) => `2024-01-${DAY(n)}`,
    ['text'],
  ),
  spec('time', ['00:00:00', '24:00:00', '23:59:59.999999', '12:30:00.5'], (n) => `10:${DAY(n)}:00`, ['text']),
  spec('time(2)', ['00:00:00', '24:00:00', '23:59:59.99'], undefined, ['time(4)', 'time', 'text']),
  spec(
    'time with time zone',
    ['00:00:00+00', '24:00:00-15:59', '12:00:00.000001+05:30', '01:02:03+15:59:59'],
    either(
      (n) => `10:${DAY(n)}:00+01`,
      (n) => `10:${DAY(n)}:00+02`,
    ),
    ['text'],
  ),
  spec('timestamp', TIMESTAMPS, (n) => `2024-01-${DAY(n)} 01:02:03.${n}`, ['text']),
  spec('timestamp(0)', ROUNDED, undefined, ['timestamp(3)', 'timestamp', 'text']),
  spec('timestamp(3)', ROUNDED, undefined, ['timestamp', 'text']),
  spec('timestamp with time zone', TIMESTAMPS, (n) => `2024-01-${DAY(n)} 01:02:03.${n}+03`),
  spec(
    'interval',
    [
      '0',
      '1 mon -1 day +00:00:01.5',
      '-178000000 years',
      '1 year 2 mons 3 days 04:05:06.789',
      'infinity',
      '-00:00:00.000001',
    ],
    either(
      (n) => `${n + 1} days`,
      (n) => `${24 * (n + 1)} hours`,
    ),
    ['text'],
  ),
  spec('interval hour to second(3)', ['01:02:03.456', '0']),
  spec('bit(3)', ['101', '000'], (n) => (n % 8).toString(2).padStart(3, '0')),
  spec('bit varying', ['', '1', '10'.repeat(40)], (n) => n.toString(2), ['text']),
  spec('bit varying(90)', ['', '1', '10'.repeat(40)], undefined, ['bit varying(100)', 'bit varying', 'text']),
  spec(
    'uuid',
    ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff'],
    (n) => `00000000-0000-4000-8000-0000000000${DAY(n)}`,
    ['text'],
  ),
  spec('json', ['null', '{"a" : 1e400, "a":2 }', '[]', '"\\u00e4"', `{"long": "${LONG}"}`, ' 1.10 '], undefined, [
    'text',
  ]),
  spec(
    'jsonb',
    ['null', '{"b": 123456789012345678901234567890.10, "a": [1, null]}', '[]', '"ä\\n"', `{"long": "${LONG}"}`],
    either(
      (n) => `${n}`,
      (n) => `${n}.0`,
    ),
  ),
  spec('jsonpath', ['$', '$.a[*] ? (@ > 1)', 'strict $."b c"']),
  spec('xml', ['<a/>', '<a b="1">x &amp; y</a>', 'text only', '']),
  spec('inet', ['127.0.0.1', '10.0.0.1/8', '::1', 'fe80::1/64', '0.0.0.0/0'], (n) => `10.0.0.${n}`, ['text']),
  spec('cidr', ['10.0.0.0/8', '::/0', '2001:db8::/32'], (n) => `10.${n}.0.0/16`),
  spec('macaddr', ['08:00:2b:01:02:03'], (n) => `08:00:2b:01:02:${DAY(n)}`),
  spec('macaddr8', ['08:00:2b:01:02:03:04:05']),
  spec('point', ['(0,0)', '(-0,1e300)', '(NaN,Infinity)']),
  spec('line', ['{1,2,3}', '{0,-1,0.5}']),
  spec('lseg', ['[(0,0),(1,1)]']),
  spec('box', ['(1,1),(0,0)', '(1e10,2),(-3,-4.5)']),
  spec('path', ['((0,0),(1,1),(2,0))', '[(0,0),(1,1)]']),
  spec('polygon', ['((0,0),(1,1),(2,0))', '((0,0))']),
  spec('circle', ['<(0,0),1>', '<(1.5,-2),0>']),
  spec('tsvector', ['', "'a':1 'fat':2A,3B 'it''s':4", "'back\\\\slash'"]),
  spec('tsquery', ['', "'a' & !'b'", "'fat' <2> 'rat':AB*"]),
  spec('pg_lsn', ['0/0', 'FFFFFFFF/FFFFFFFF', '16/B374D848'], (n) => `0/${n.toString(16).toUpperCase()}`),
  spec('xid', ['0', '4294967295']),
  spec('xid8', ['0', '18446744073709551615']),
  spec('cid', ['0', '7']),
  spec('tid', ['(0,1)', '(4294967295,65535)']),
  spec('oid', ['0', '4294967295', '2147483648'], (n) => String(n)),
  spec('regclass', ['pg_class', '-', 'pg_catalog.pg_type', '4000000000']),
  spec('regtype', ['integer', 'text[]', '-', 'timestamp with time zone']),
  spec('regproc', ['now', '-']),
  spec('regprocedure', ['abs(integer)', '-']),
  spec('regoperator', ['+(integer,integer)', '0']),
  spec('regnamespace', ['pg_catalog', '-']),
  spec('regrole', ['postgres', '-']),
  spec('regconfig', ['simple', 'english']),
  spec('regdictionary', ['simple']),
  spec('regcollation', ['"C"', 'pg_catalog."default"']),
  spec('pg_snapshot', ['10:20:10,14,15', '1:1:']),
  spec('txid_snapshot', ['10:20:10,14,15']),
  spec('refcursor', ['', 'my cursor']),
  spec('int2vector', ['', '1 2 -3']),
  spec('oidvector', ['', '1 4294967295']),
  spec('int4range', ['empty', '[1,5)', '(,)', '[,7)', '[3,)'], (n) => `[${n},${n + 5})`),
  spec('int8range', ['empty', '[1,5)', '(,)']),
  spec('numrange', ['empty', '[1.10,5.0]', '(,NaN)', '[-Infinity,Infinity]']),
  spec('tsrange', ['empty', '["2024-01-01 00:00:00",infinity]', '(,"2024-01-01 00:00:00.5")']),
  spec('tstzrange', ['empty', '["2024-01-01 00:00:00+05",)']),
  spec('daterange', ['empty', '[2024-01-01,infinity)', '[2024-01-01,2024-02-01]']),
  spec('int4multirange', ['{}', '{[1,3),[7,9)}', '{(,)}']),
  spec('nummultirange', ['{}', '{[1.0,2.50],(3,)}']),
  spec('tstzmultirange', ['{}', '{["2024-01-01 00:00:00+05",)}']),
  spec('datemultirange', ['{}', '{[2024-01-01,2024-02-01)}']),
  spec(
    'mood',
    ['sad', 'so so', 'it\'s "fine"', 'happy'],
    (n) => ['sad', 'so so', 'happy', 'it\'s "fine"'][n % 4] as string,
    ['text'],
  ),
  spec('posint', ['1', '2147483647'], (n) => String(n + 1)),
  spec('short_text', ['', 'a', 'ünï'], (n) => `d${n}`),
  spec('moods', ['{}', '{sad,NULL}', '{"so so","it\'s \\"fine\\""}']),
  spec('pair', ['(,)', '(1,)', '(-5,"a ""quoted"" \\\\ text, with comma")', '(7,"")']),
  spec('"Nested Pair"', ['(,)', '("(1,x)","{1.10,NULL}")', '("(,)",{})']),
  spec('textrange', ['empty', '[a,b)', '["a b","c""d"]', '(,)']),
  spec('hstore', ['', '"a"=>"1", "b"=>NULL', '"it\'s"=>"\\"q\\" \\\\ "']),
  spec(
    'citext',
    TEXTS,
    either(
      (n) => `k${n}`,
      (n) => `K${n}`,
    ),
  ),
  spec('ltree', ['', 'Top.Science.Astronomy'], (n) => `Top.n${n}`),
  spec('lquery', ['*.a', 'Top.*{1,2}.b@']),
  spec('cube', ['(1, 2, 3)', '(0),(1)']),
  spec('isbn', ['0-393-04002-X', '978-0-11-000222-4']),
];

/** Made before the tables, on both sides. */
export const TYPE_SETUP: readonly string[] = [
  'create extension hstore; create extension citext; create extension ltree; create extension cube; create extension isn',
  /* sql */ `create domain posint as integer check (value > 0)`,
  /* sql */ `create domain short_text as character varying(20)`,
  /* sql */ `create type pair as (a integer, b text)`,
  /* sql */ `create type "Nested Pair" as ("first One" pair, list numeric[])`,
  /* sql */ `create type textrange as range (subtype = text)`,
];

/** Enums: on the source only when the sink is to create them. */
export const ENUM_SETUP: readonly string[] = [
  /* sql */ `create type mood as enum ('sad', 'so so', 'it''s "fine"', 'happy')`,
  /* sql */ `create domain moods as mood[]`,
];

/** Types of which Postgres makes no arrays, or whose arrays say nothing new. */
const NO_ARRAYS = new Set(['int2vector', 'oidvector', 'moods']);

/** Everything that columns are made of. */
export const TYPES: readonly TypeSpec[] = [
  ...VARIED,
  ...VARIED.filter(({ sql }) => !NO_ARRAYS.has(sql)).map((type) => arrayOf(type, type.sql === 'box' ? ';' : ',')),
];

/** Those that a key can be made of. */
export const KEY_TYPES: readonly TypeSpec[] = VARIED.filter(({ nth }) => nth !== undefined);

const BY_SQL = new Map(TYPES.map((type) => [type.sql, type]));

/** The type that is declared so. */
export function typeNamed(sql: string): TypeSpec {
  return BY_SQL.get(sql) ?? { sql, values: (BY_SQL.get(sql.replace(/\(.*\)/, '')) as TypeSpec).values };
}
