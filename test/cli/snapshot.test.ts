import { expect, test } from 'vitest';
import { signalOf } from '../../src/cli/snapshot.ts';

test('a command line becomes the data of a signal', () => {
  expect(signalOf('shop', ['public.a', 'public.b'], { where: 'id > 5', blocking: true })).toEqual({
    kind: 'signal',
    connector: 'shop',
    type: 'execute-snapshot',
    data: {
      type: 'blocking',
      'data-collections': ['public.a', 'public.b'],
      'additional-conditions': [
        { 'data-collection': 'public.a', filter: 'id > 5' },
        { 'data-collection': 'public.b', filter: 'id > 5' },
      ],
    },
  });
  expect(signalOf('shop', ['public.a'], {}).data).toEqual({ type: 'incremental', 'data-collections': ['public.a'] });
  expect(signalOf('shop', [], { stop: true })).toMatchObject({
    type: 'stop-snapshot',
    data: { 'data-collections': [] },
  });
  expect(signalOf('shop', [], { pause: true })).toMatchObject({ type: 'pause-snapshot' });
  expect(signalOf('shop', [], { resume: true })).toMatchObject({ type: 'resume-snapshot' });
});

test('a command line that asks for nothing, or for two things, is refused', () => {
  expect(() => signalOf('shop', [], {})).toThrow('No table is named');
  expect(() => signalOf('shop', ['public.a'], { stop: true, blocking: true })).toThrow('only one of them');
  expect(() => signalOf('shop', [], { pause: true, resume: true })).toThrow('only one of them');
});
