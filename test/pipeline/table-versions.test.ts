import { expect, test } from 'vitest';
import { TableVersions } from '../../src/pipeline/table-versions.ts';
import { column, table } from '../converter/fixture.ts';

const COLUMNS = [column('id', 'int4'), column('t', 'text')];

test('what every claim announces anew is there once, and a change is not lost', () => {
  const versions = new TableVersions('srv');
  const first = table(COLUMNS, { version: 1 });
  const again = table(structuredClone(COLUMNS), { version: 4 });
  const altered = table([...COLUMNS, column('u', 'text')], { version: 5 });
  versions.add(1, first);
  versions.add(2, again);
  versions.addAnnounced(2, altered, 7);
  expect(versions.get(2, 4)).toEqual(again);
  expect(versions.get(2, 4).columns).toBe(versions.get(1, 1).columns);
  expect(versions.get(2, 5)).toEqual(altered);
  expect(versions.announced(7)).toEqual([altered]);
});
