import { expect, test } from 'vitest';
import { createLogger } from '../../src/observe/logger.ts';
import { LogLevels } from '../../src/observe/log-levels.ts';

function logged(levels: LogLevels): string[] {
  const lines: string[] = [];
  const logger = createLogger(levels, {
    write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg),
  });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    logger[level](`${level} of all`);
    logger[level](`${level} of a`, { connector: 'a' });
  }
  return lines;
}

test('a level for one connector holds for its lines alone, until one is said for all', () => {
  const levels = new LogLevels('error');
  expect(logged(levels)).toEqual(['error of all', 'error of a']);
  expect(levels.set('connector.a', 'warn', 7)).toEqual(['connector.a']);
  expect(logged(levels)).toEqual(['warn of a', 'error of all', 'error of a']);
  expect(levels.of('connector.a')).toEqual({ level: 'warn', changedAt: 7 });
  expect(levels.of('connector.b')).toEqual({ level: 'error', changedAt: undefined });
  expect(levels.set('root', 'off', 8)).toEqual(['connector.a', 'root']);
  expect(logged(levels)).toEqual([]);
  levels.set('connector.a', 'debug', 9);
  expect(logged(levels)).toEqual(['debug of a', 'info of a', 'warn of a', 'error of a']);
});
