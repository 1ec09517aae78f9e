import { expect, test } from 'vitest';
import { createScreen } from '../../../src/cli/demo/screen.ts';

function written(stream: { isTTY: boolean; columns?: number }): string {
  let text = '';
  const write = (more: string): boolean => {
    text += more;
    return true;
  };
  const screen = createScreen({ ...stream, write } as unknown as NodeJS.WriteStream);
  screen.line('begin');
  screen.live('one');
  screen.live('two is longer');
  screen.line('end');
  return text;
}

test('the live line is written over on a terminal, and fits on it', () => {
  expect(written({ isTTY: true, columns: 8 })).toBe('begin\n\r\u001B[Kone\r\u001B[Ktwo is \nend\n');
});

test('every live line stays in a file', () => {
  expect(written({ isTTY: false })).toBe('begin\none\ntwo is longer\nend\n');
});
