import { expect, test } from 'vitest';
import { NULL } from '../../../src/change/batch.ts';
import { readComposite } from '../../../src/source/trigger/composite-text.ts';

function fields(text: string): (string | null)[] {
  const bytes = Buffer.from(`xx${text}yy`);
  const found: (string | null)[] = [];
  const count = readComposite(bytes, 2, bytes.length - 2, (number, start, end) => {
    expect(number).toBe(found.length);
    found.push(end === NULL ? null : bytes.toString('utf8', start, end));
  });
  expect(count).toBe(found.length);
  return found;
}

test('reads plain, quoted, empty and absent fields', () => {
  expect(fields('(1,,"",abc)')).toEqual(['1', null, '', 'abc']);
  expect(fields('()')).toEqual([null]);
  expect(fields('("a,b","(c)"," d ")')).toEqual(['a,b', '(c)', ' d ']);
});

test('takes doubled quotes and backslashes, and escapes outside of quotes, for one', () => {
  expect(fields(String.raw`("say ""hi""","C:\\dir","\"",a\,b)`)).toEqual(['say "hi"', String.raw`C:\dir`, '"', 'a,b']);
  expect(fields('("""","""""","ä€𝄞")')).toEqual(['"', '""', 'ä€𝄞']);
  expect(fields('("(1,""x """"y"""""")")')).toEqual(['(1,"x ""y""")']);
});

test.each(['', '(', 'a,b', '("a)', '(a\\)', '(a'])('refuses %j', (text) => {
  expect(() => fields(text)).toThrow('not the text of a composite value');
});
