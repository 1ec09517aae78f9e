import { expect, test } from 'vitest';
import { createLogger, type LogLevel } from '../../src/observe/logger.ts';
import { createRedactor } from '../../src/observe/redaction.ts';

function lines(level: LogLevel): { write: (line: string) => void; parsed: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  const logger = createLogger(level, { write });
  logger.debug('looked');
  logger.info('slot created', { slot: 's', lsn: 7, absent: undefined });
  logger.warn('connection lost');
  logger.error('connector failed', { advice: 'Do this.' });
  return { write, parsed: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line is one JSON object with level, time, fact and fields', () => {
  const [first] = lines('info').parsed();
  expect(first).toEqual({ level: 'info', time: expect.any(String), msg: 'slot created', slot: 's', lsn: 7 });
  expect(Number.isNaN(Date.parse(first?.time as string))).toBe(false);
});

test('less important lines than asked for are left out', () => {
  expect(
    lines('warn')
      .parsed()
      .map(({ level }) => level),
  ).toEqual(['warn', 'error']);
  expect(lines('debug').parsed()).toHaveLength(4);
});

test('secrets are taken out of the fact and of every text among the fields', () => {
  const written: string[] = [];
  const redactor = createRedactor();
  const logger = createLogger('info', { write: (line) => void written.push(line) }, redactor);
  redactor.add(['canary "quoted"', 'level', '4711']);
  logger.info('refused: canary "quoted"', { message: '{"p":"canary \\"quoted\\""}', lsn: 47110 });
  expect(written.join('')).not.toContain('canary');
  expect(JSON.parse(written[0] as string)).toMatchObject({
    level: 'info',
    msg: 'refused: ********',
    message: '{"p":"********"}',
    lsn: 47110,
  });
});

test('a connector keeps its name in the log, though it is the password of another', () => {
  const written: string[] = [];
  const redactor = createRedactor();
  redactor.add(['shop']);
  createLogger('info', { write: (line) => void written.push(line) }, redactor).warn('lost', {
    connector: 'shop-source',
    message: 'shop',
  });
  expect(JSON.parse(written[0] as string)).toMatchObject({ connector: 'shop-source', message: '********' });
});
