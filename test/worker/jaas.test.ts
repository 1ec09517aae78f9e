import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { parseJaas } from '../../src/worker/jaas.ts';

const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required';

test('reads user and password, quotes inside of them included', () => {
  const login = parseJaas(`${SCRAM} username="shop" password="a\\"b=c";`);
  expect(login).toEqual({ kind: 'password', username: 'shop', password: 'a"b=c' });
});

test('a long word that is no option is looked at once, not from each of its letters', () => {
  // A million letters: from each of them the rest would take hours.
  expect(() => parseJaas(`${SCRAM} ${'x'.repeat(1_000_000)}`)).toThrow(OperatorError);
});
