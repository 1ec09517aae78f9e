import { expect, test } from 'vitest';
import { connectorText, fileNameFor } from '../../../src/worker/connectors/connector-text.ts';

function text(config: Record<string, string>, existing: object | string | undefined, file: string = 'a.json'): unknown {
  const present = typeof existing === 'object' ? JSON.stringify(existing) : existing;
  const written = connectorText({ name: 'a', config }, file, present);
  expect(written.endsWith('}\n')).toBe(true);
  return Object.entries(JSON.parse(written) as object);
}

test('a new file has the form of Connect', () => {
  expect(connectorText({ name: 'a', config: { 'tasks.max': '1' } }, 'a.json', undefined)).toBe(
    '{\n  "name": "a",\n  "config": {\n    "tasks.max": "1"\n  }\n}\n',
  );
  expect(text({ x: '1' }, '{ half')).toEqual([
    ['name', 'a'],
    ['config', { x: '1' }],
  ]);
  expect(text({ x: '1' }, '[]')).toEqual([
    ['name', 'a'],
    ['config', { x: '1' }],
  ]);
});

test('what is around a config stays, and so do the order of settings, numbers and flags', () => {
  const before = { $schema: 's', name: 'a', config: { b: 1, $schema: 't', a: true, gone: 'x', c: 'y' }, tasks: [] };
  expect(text({ c: 'y', new: 'n', a: 'false', b: '1' }, before)).toEqual([
    ['$schema', 's'],
    ['name', 'a'],
    ['config', { b: 1, $schema: 't', a: 'false', c: 'y', new: 'n' }],
    ['tasks', []],
  ]);
  const written = connectorText({ name: 'a', config: { c: 'y', new: 'n', b: '1' } }, 'a.json', JSON.stringify(before));
  expect(written.match(/"(b|c|new)"/g)).toEqual(['"b"', '"c"', '"new"']);
});

test('a config alone stays one, with a name where the file has another', () => {
  expect(text({ x: '2' }, { x: '1', y: '1' })).toEqual([['x', '2']]);
  expect(text({ x: '2' }, { x: '1', name: 'a' })).toEqual([
    ['x', '2'],
    ['name', 'a'],
  ]);
  expect(text({ x: '2' }, { x: '1' }, 'b.json')).toEqual([
    ['x', '2'],
    ['name', 'a'],
  ]);
});

test('a member that is no text is replaced, whatever it says of itself', () => {
  const before = { name: { toString: 1 }, x: { toString: 1, valueOf: 1 }, y: null };
  expect(text({ x: '1', y: 'null' }, before)).toEqual([
    ['name', 'a'],
    ['x', '1'],
    ['y', 'null'],
  ]);
});

test('a name inside of a wrapped config stays there', () => {
  expect(text({ x: '2' }, { name: 'a', config: { name: 'a', x: '1' } })).toEqual([
    ['name', 'a'],
    ['config', { name: 'a', x: '2' }],
  ]);
});

test.each([
  ['orders', [], 'orders.json'],
  ['orders', ['Orders.json'], 'orders-2.json'],
  ['orders', ['orders.json', 'orders-2.json'], 'orders-3.json'],
  ['..', [], 'connector.json'],
  ['.hidden', [], 'hidden.json'],
  ['größe+1%', [], 'gr__e_1_.json'],
  ['x'.repeat(100), [], `${'x'.repeat(100)}.json`],
])('the file of connector %s beside %j is %s', (name, taken, file) => {
  expect(fileNameFor(name, new Set(taken))).toBe(file);
});
