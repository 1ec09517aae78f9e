import { expect, test } from 'vitest';
import { nearest } from '../../src/connector/nearest.ts';

test('finds the word that is spelled most alike', () => {
  expect(nearest('slot.nmae', ['slot.name', 'slot.failover', 'name'])).toBe('slot.name');
  expect(nearest('database.host', ['database.port', 'database.hostname'])).toBe('database.hostname');
});

test('finds nothing when all words are far', () => {
  expect(nearest('tasks', ['connection.url', 'topics.regex'])).toBeUndefined();
});
