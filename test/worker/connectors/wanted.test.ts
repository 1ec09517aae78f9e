import { expect, test } from 'vitest';
import type { ReadFile } from '../../../src/connector/load-file.ts';
import { NOTHING_WANTED, type Wanted, wantedNow } from '../../../src/worker/connectors/wanted.ts';
import { invalid, sink, source, valid } from './fixture.ts';

function after(...looks: readonly (readonly ReadFile[])[]): Wanted {
  return looks.reduce((wanted, files) => wantedNow(wanted, files), NOTHING_WANTED);
}

function running(wanted: Wanted): string[] {
  return [...wanted.connectors.values()].map(
    ({ name, file, raw }) => `${name} from ${file} with ${raw['max.fetch.bytes']}`,
  );
}

test('a file that becomes invalid keeps its last valid configuration, and says what is wrong', () => {
  const wanted = after([valid(sink('a.json', 'a', 70_000))], [invalid('a.json', 'is not JSON')]);
  expect(running(wanted)).toEqual(['a from a.json with 70000']);
  expect(wanted.invalid).toMatchObject([{ file: 'a.json', name: 'a', problems: ['is not JSON'] }]);
});

test('a file that never was valid runs nothing, under the name that it says or has', () => {
  const wanted = after([invalid('dir/a.json'), invalid('b.json', 'x is required', 'orders')]);
  expect(running(wanted)).toEqual([]);
  expect(wanted.invalid.map(({ name }) => name)).toEqual(['a', 'orders']);
});

test('of two files with one name the one that runs keeps it, also when it becomes invalid', () => {
  const b = valid(sink('b.json', 'x', 80_000));
  const wanted = after([b], [valid(sink('a.json', 'x', 70_000)), b]);
  expect(running(wanted)).toEqual(['x from b.json with 80000']);
  expect(wanted.invalid).toMatchObject([
    { file: 'a.json', name: 'x', problems: ['b.json already has the name "x"; give one of the two another name'] },
  ]);
  expect(running(wantedNow(wanted, [valid(sink('a.json', 'x', 70_000)), invalid('b.json')]))).toEqual([
    'x from b.json with 80000',
  ]);
  expect(running(wantedNow(wanted, [valid(sink('a.json', 'x', 70_000))]))).toEqual(['x from a.json with 70000']);
});

test('of two files with one name the first by path runs when none has run before', () => {
  const wanted = after([valid(sink('a.json', 'x', 70_000)), valid(sink('b.json', 'x', 80_000))]);
  expect(running(wanted)).toEqual(['x from a.json with 70000']);
});

test('a renamed file is the same connector, even next to another file with its name', () => {
  const other = valid(sink('a.json', 'x', 90_000));
  const first = [valid(sink('b.json', 'x', 80_000))];
  expect(running(after(first, [valid(sink('c.json', 'x', 80_000))]))).toEqual(['x from c.json with 80000']);
  expect(running(after(first, [...first, other], [other, valid(sink('c.json', 'x', 80_000))]))).toEqual([
    'x from c.json with 80000',
  ]);
});

test('a file that is renamed and broken at once keeps its connector running when it still says its name', () => {
  const wanted = after([valid(sink('a.json', 'x', 70_000))], [invalid('b.json', 'y is required', 'x')]);
  expect(running(wanted)).toEqual(['x from b.json with 70000']);
  expect(running(after([valid(sink('a.json', 'x', 70_000))], [invalid('b.json')]))).toEqual([]);
});

test('a file whose connector is renamed inside wants another connector', () => {
  const wanted = after([valid(sink('a.json', 'x'))], [valid(sink('a.json', 'y'))]);
  expect([...wanted.connectors.keys()]).toEqual(['y']);
  expect(wanted.invalid).toEqual([]);
});

function slots(wanted: Wanted): string[] {
  return [...wanted.connectors.values()]
    .map(({ name, raw }) => `${name} with ${raw['slot.name']} of ${raw['topic.prefix']}`)
    .sort((a, b) => (a < b ? -1 : 1));
}

test('a source that takes the slot of one that runs keeps its own, and says why; two may swap theirs', () => {
  const a = valid(source('a.json', 'a', 'one', 'localhost', 'pa'));
  const b = valid(source('b.json', 'b', 'two', 'localhost', 'pb'));
  const greedy = valid(source('a.json', 'a', 'two', 'localhost', 'pa'));
  const wanted = after([a, b], [greedy, b]);
  expect(slots(wanted)).toEqual(['a with one of pa', 'b with two of pb']);
  expect(wanted.invalid).toMatchObject([{ file: 'a.json', name: 'a' }]);
  expect(wanted.invalid[0]?.problems.join()).toContain('slot.name "two" is already the one of b.json');
  const swapped = after([a, b], [greedy, valid(source('b.json', 'b', 'one', 'localhost', 'pb'))]);
  expect(slots(swapped)).toEqual(['a with two of pa', 'b with one of pb']);
  expect(swapped.invalid).toEqual([]);
});

test('when two sources want the same at once, the one that does not get it goes on with what it had', () => {
  const first = ['a', 'b', 'c'].map((name) => valid(source(`${name}.json`, name, name, 'localhost', `p${name}`)));
  const third = first[2] as ReadFile;
  const both = ['a', 'b'].map((name) => valid(source(`${name}.json`, name, 'new', 'localhost', `p${name}`)));
  expect(slots(after(first, [...both, third]))).toEqual(['a with new of pa', 'b with b of pb', 'c with c of pc']);
  const chain = [
    valid(source('a.json', 'a', 'b', 'localhost', 'pa')),
    valid(source('b.json', 'b', 'c', 'localhost', 'pb')),
    third,
  ];
  expect(slots(after(first, chain))).toEqual(['a with a of pa', 'b with b of pb', 'c with c of pc']);
});

test('a new source cannot have the topics of one that runs, wherever its file stands', () => {
  const b = valid(source('b.json', 'b', 'one'));
  const wanted = after([b], [valid(source('a.json', 'a', 'two')), b]);
  expect([...wanted.connectors.keys()]).toEqual(['b']);
  expect(wanted.invalid[0]?.problems.join()).toContain('topic.prefix "shop" is already the one of b.json');
});
