import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRedactor, MASK, type Redactor } from '../../src/observe/redaction.ts';

function knowing(...secrets: string[]): Redactor {
  const redactor = createRedactor();
  redactor.add(secrets);
  return redactor;
}

/** Secrets that can be masked: what is all asterisks looks like a mask already. */
const secret = fc
  .oneof(fc.string({ minLength: 4, maxLength: 40 }), fc.string({ unit: 'binary', minLength: 4, maxLength: 40 }))
  .filter((each) => !/^\**$/.test(each));
const basicAuth = (user: string, password: string): string => Buffer.from(`${user}:${password}`).toString('base64');

test('no secret survives, whatever stands around it and however often it occurs', () => {
  fc.assert(
    fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.array(fc.string()), (secrets, between) => {
      const text = between.join(secrets.join('')) + secrets.join(between[0] ?? '');
      const redacted = knowing(...secrets).redact(text);
      for (const each of secrets) expect(redacted).not.toContain(each);
    }),
  );
});

test('no secret survives as part of a JSON text or a URL', () => {
  fc.assert(
    fc.property(secret, fc.string(), (each, other) => {
      const redactor = knowing(each);
      const json = redactor.redact(JSON.stringify({ other, password: each }));
      expect(json).not.toContain(JSON.stringify(each).slice(1, -1));
      const wellFormed = Buffer.from(each).toString();
      const url = redactor.redact(`postgresql://u:${encodeURIComponent(wellFormed)}@h/d`);
      expect(url).not.toContain(encodeURIComponent(wellFormed));
    }),
  );
});

test('no password survives in an authorization header, whoever the user is', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 8 }), (user, password) => {
      fc.pre(!/^\**$/.test(password));
      const header = `Authorization: Basic ${basicAuth(user, password)}`;
      expect(knowing(password).redact(header)).not.toContain(basicAuth(user, password));
      const given = knowing(`${user}:${password}`);
      expect(given.redact(header)).not.toContain(basicAuth(user, password));
      expect(given.redact(`rejected ${password}`)).not.toContain(password);
    }),
  );
});

test('a text without secrets is unchanged', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-m]{8,20}$/)),
      fc.stringMatching(/^[n-z0-9 .:,"/-]*$/),
      (secrets, text) => {
        expect(knowing(...secrets).redact(text)).toBe(text);
      },
    ),
  );
});

test('what is redacted stays as it is when redacted again', () => {
  fc.assert(
    fc.property(secret, fc.string(), (each, other) => {
      const redactor = knowing(each);
      const once = redactor.redact(other + each + other);
      expect(redactor.redact(once)).toBe(once);
    }),
  );
});

test('only the secret is replaced', () => {
  const redactor = knowing('s3cr3t/word', 'other one');
  expect(redactor.redact('password "s3cr3t/word" of u')).toBe(`password "${MASK}" of u`);
  expect(redactor.redact('postgresql://u:s3cr3t%2Fword@h/d')).toBe(`postgresql://u:${MASK}@h/d`);
  expect(redactor.redact('postgresql://u:s3cr3t%2fword@h/d')).toBe(`postgresql://u:${MASK}@h/d`);
  expect(redactor.redact('password=other+one&x=1')).toBe(`password=${MASK}&x=1`);
});

test('secrets that overlap leave no half behind', () => {
  expect(knowing('abcdefgh', 'efghijkl').redact('<abcdefghijkl>')).toBe(`<${MASK}>`);
});

test('a secret that a mask completes is masked as well', () => {
  expect(knowing('*abcd').redact('*abcdabcd')).not.toContain('*abcd');
});

test('secrets are added to those that are known, and very short ones are left alone', () => {
  const redactor = knowing('first secret');
  redactor.add(['abc', '', 'second secret']);
  expect(redactor.redact('first secret, second secret, abc')).toBe(`${MASK}, ${MASK}, abc`);
});
