import { expect, test } from 'vitest';
import { parseProperties } from '../../src/connector/properties.ts';

const entries = (text: string): Record<string, string> => Object.fromEntries(parseProperties(text));

test('reads every form of an entry', () => {
  expect(entries('a=1\nb: 2\r\nc 3\rd = x = y\n  e=5\nf\ng=')).toEqual({
    a: '1',
    b: '2',
    c: '3',
    d: 'x = y',
    e: '5',
    f: '',
    g: '',
  });
});

test('passes over comments and blank lines, and takes the last of equal keys', () => {
  expect(entries('# a=1\n! b=2\n\n   \na=3\na=4')).toEqual({ a: '4' });
});

test('joins continued lines, and takes a comment sign inside of one for text', () => {
  expect(entries('list=a,\\\n    b,\\\n    #c\nnext=1')).toEqual({ list: 'a,b,#c', next: '1' });
  expect(entries('path=c:\\\\\nnext=1')).toEqual({ path: 'c:\\', next: '1' });
  expect(entries('end=1\\')).toEqual({ end: '1' });
});

test('resolves escapes in keys and values', () => {
  expect(entries('a\\=b\\ c\\:d=\\u00e4\\t\\n\\q\\\\')).toEqual({ 'a=b c:d': 'ä\t\nq\\' });
});

test('keeps blanks at the end of a value, as Java does', () => {
  expect(entries('a = b  ')).toEqual({ a: 'b  ' });
});
