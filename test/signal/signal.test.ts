import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { copySignalOf } from '../../src/signal/copy-signal.ts';
import { readSignal } from '../../src/signal/read-signal.ts';

const TABLES = [
  { schema: 'public', name: 'orders' },
  { schema: 'public', name: 'orders_old' },
  { schema: 'shop', name: 'Items+' },
];

function asked(type: string, data: unknown) {
  const order = readSignal(type, data);
  if (order.kind === 'log' || order.kind === 'sync-sequences') throw new Error('It asks for nothing');
  return copySignalOf('id', order, TABLES);
}

test('execute-snapshot names tables by expressions, and rows by conditions', () => {
  expect(asked('execute-snapshot', '{"type": "INCREMENTAL", "data-collections": ["public\\\\.orders.*"]}')).toEqual({
    kind: 'execute',
    id: 'id',
    isBlocking: false,
    tables: [
      { schema: 'public', name: 'orders' },
      { schema: 'public', name: 'orders_old' },
    ],
  });
  const data = {
    type: 'blocking',
    'data-collections': ['public.orders', 'shop.Items+'],
    'additional-conditions': [{ 'data-collection': 'shop.Items+', filter: `color = 'blue'` }],
  };
  expect(asked('execute-snapshot', data)).toEqual({
    kind: 'execute',
    id: 'id',
    isBlocking: true,
    tables: [
      { schema: 'public', name: 'orders' },
      { schema: 'shop', name: 'Items+', condition: `color = 'blue'` },
    ],
  });
  const old = { 'data-collections': ['public.orders'], 'additional-condition': 'a > 1' };
  expect(asked('execute-snapshot', old)).toMatchObject({ tables: [{ name: 'orders', condition: 'a > 1' }] });
});

test('a filter may be the statement that a blocking snapshot has at Debezium', () => {
  const of = (filter: string) =>
    asked('execute-snapshot', {
      type: 'blocking',
      'data-collections': ['public.orders'],
      'additional-conditions': [{ 'data-collection': 'public.orders', filter }],
    });
  expect(of('SELECT * FROM public.orders WHERE a = 1')).toMatchObject({ tables: [{ condition: 'a = 1' }] });
  expect(of('SELECT * FROM public.orders').kind === 'execute').toBe(true);
  expect(() => of('SELECT * FROM public.other WHERE a = 1')).toThrow('filter must select from table public.orders');
});

test('sync-sequences needs no data, and is about no table', () => {
  expect(readSignal('sync-sequences', undefined)).toEqual({ kind: 'sync-sequences' });
});

test('stop-snapshot stops what it names, or everything', () => {
  expect(asked('stop-snapshot', null)).toEqual({ kind: 'stop', id: 'id', tables: [] });
  expect(asked('stop-snapshot', { 'data-collections': ['public.orders'] })).toEqual({
    kind: 'stop',
    id: 'id',
    tables: ['public.orders'],
  });
  // Nothing would mean everything.
  expect(() => asked('stop-snapshot', { 'data-collections': ['public.gone'] })).toThrow('names no captured table');
});

test('pause, resume and log are understood', () => {
  expect(asked('pause-snapshot', { type: 'incremental' })).toEqual({ kind: 'pause', id: 'id' });
  expect(asked('resume-snapshot', undefined)).toEqual({ kind: 'resume', id: 'id' });
  expect(readSignal('log', '{"message": "at {}"}')).toEqual({ kind: 'log', message: 'at {}' });
});

test.each([
  ['execute-snapshot', '{"data-collections": ["public.orders"', 'Its data is not a JSON object'],
  ['execute-snapshot', '[]', 'Its data is not a JSON object'],
  ['execute-snapshot', '{}', 'data-collections names no table'],
  ['execute-snapshot', { 'data-collections': [] }, 'data-collections names no table'],
  ['execute-snapshot', { 'data-collections': 'public.orders' }, 'data-collections must be a list of texts'],
  ['execute-snapshot', { 'data-collections': ['('] }, 'data-collections has an invalid regular expression'],
  ['execute-snapshot', { 'data-collections': ['public.orders', 'gone'] }, 'names no captured table'],
  ['execute-snapshot', { 'data-collections': ['.*'], type: 'fast' }, 'neither incremental nor blocking'],
  ['execute-snapshot', { 'data-collections': ['.*'], 'surrogate-key': 'c' }, 'surrogate-key is not supported'],
  ['execute-snapshot', { 'data-collections': ['.*'], 'additional-condition': 'a = 1; drop' }, 'filter must not hold'],
  [
    'execute-snapshot',
    { 'data-collections': ['.*'], 'additional-conditions': [{ filter: 'a' }] },
    'additional-conditions must be a list of objects with data-collection and filter',
  ],
  ['schema-changes', '{}', 'Its type is none of: execute-snapshot'],
  [undefined, '{}', 'It has no type'],
])('a signal that cannot be read changes nothing: %s %s', (type, data, message) => {
  expect(() => asked(type as string, data)).toThrow(message);
});

test('an expression that is found too large only when it is used is refused without its text', () => {
  const data = { 'data-collections': ['public.ordl'.repeat(3000)] };
  const refused = new OperatorError('data-collections has an expression that is too large');
  expect(() => asked('execute-snapshot', data)).toThrow(refused);
});
