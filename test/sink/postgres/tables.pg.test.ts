import { describe, expect, test } from 'vitest';
import type { ColumnType, TableSchema } from '../../../src/change/table-schema.ts';
import { OperatorError, RecordError } from '../../../src/errors.ts';
import { announce, batchOf, column, control, insert, read, remove, table, typeOf, update } from '../batches.ts';
import { type Replica, replica } from './replica.ts';

const items = table('items', ['id int*', 'name text']);

async function shape(target: Replica, name: string): Promise<string[]> {
  const rows = await target.database.query<{ line: string }>(`
    select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), case when attnotnull then 'not null' end,
      pg_get_expr(d.adbin, d.adrelid), nullif(attgenerated, ''), nullif(attidentity, '')) as line
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = '${name}'::regclass and a.attnum > 0 and not attisdropped order by a.attnum`);
  return rows.map((row) => row.line);
}

const next = (from: TableSchema, columns: TableSchema['columns'], more: Partial<TableSchema> = {}): TableSchema => ({
  ...from,
  version: from.version + 1,
  columns,
  ...more,
});

describe('creating tables', () => {
  test('a table is created with the types of the source, its key, defaults and generated columns', async () => {
    const mood: ColumnType = {
      oid: 90_001,
      name: 'kinds."Mood"',
      declared: 'kinds."Mood"',
      modifier: -1,
      kind: 'enum',
      base: 'kinds."Mood"',
      baseModifier: -1,
      labels: ['so so', "it's"],
    };
    const domain: ColumnType = {
      oid: 90_002,
      name: 'public.short',
      declared: 'public.short',
      modifier: -1,
      kind: 'domain',
      base: 'pg_catalog.varchar',
      baseModifier: 9,
    };
    const wide: TableSchema = {
      ...table('Wide "one"', [], { schema: 'far away' }),
      key: [1, 0],
      columns: [
        column('id', 'int', 1, { nullable: false, identity: 'a' }),
        column('Key', 'varchar(20)', 2, { nullable: false }),
        column('mood', 'text', 3, { type: mood, default: `'so so'::kinds."Mood"` }),
        column('short', 'text', 4, { type: domain }),
        column('twice', 'int', 5, { generated: 's', default: '(id * 2)' }),
        column('serial', 'bigint', 6, { default: `nextval('far.seq'::regclass)`, nullable: false }),
        column('at', 'timestamptz', 7, { default: 'now()' }),
      ],
    };
    await using target = await replica();
    await target.apply([announce(wide), insert(wide, '1', 'k', "it's", 'abcde', null, '7', null)]);
    expect(await shape(target, '"far away"."Wide ""one"""')).toEqual([
      'id integer not null d',
      'Key character varying(20) not null',
      `mood kinds."Mood" 'so so'::kinds."Mood"`,
      'short character varying(5)',
      'twice integer (id * 2) s',
      'serial bigint not null',
      'at timestamp with time zone now()',
    ]);
    expect(await target.rows('"far away"."Wide ""one"""')).toEqual([['1', 'k', "it's", 'abcde', '2', '7', null]]);
  });

  test('a missing table is an error where tables are not created, and so is a missing type', async () => {
    await using target = await replica({ autoCreate: false });
    await expect(target.apply([announce(items)])).rejects.toThrow(
      'Table "public"."items" does not exist on the target',
    );
    const type = { ...typeOf('text'), name: 'public.geometry', declared: 'public.geometry' };
    await using other = await replica();
    await expect(
      other.apply([announce({ ...items, columns: [column('id', 'int', 1), column('g', 'text', 2, { type })] })]),
    ).rejects.toThrow('Type public.geometry does not exist on the target');
  });

  test('schemas are mapped', async () => {
    await using target = await replica({ schemaMapping: { public: 'copy' } });
    await target.apply([insert(items, '1', 'a')]);
    expect(await target.rows('copy.items')).toEqual([['1', 'a']]);
  });

  test('an expression that would leave its parentheses is not executed', async () => {
    const evil = {
      ...items,
      columns: [
        column('id', 'int', 1),
        column('x', 'int', 2, { generated: 's', default: '1) stored); drop schema rowcast; --' }),
      ],
    };
    await using target = await replica();
    await expect(target.apply([announce(evil as TableSchema)])).rejects.toThrow(OperatorError);
  });
});

describe('table versions', () => {
  test('columns are added, renamed, retyped and dropped in order with the rows', async () => {
    const [id, name] = items.columns as [TableSchema['columns'][0], TableSchema['columns'][0]];
    const second = next(items, [
      id,
      { ...name, name: 'title' },
      column('n', 'int', 3, { default: '5', nullable: false }),
    ]);
    const third = next(second, [{ ...id, type: typeOf('bigint') }, column('n', 'text', 3), column('name', 'text', 4)]);
    await using target = await replica();
    await target.apply([
      announce(items),
      insert(items, '1', 'a'),
      announce(second),
      insert(second, '2', 'b', '6'),
      update(second, '1', 'aa', '5'),
    ]);
    expect(await target.rows('items')).toEqual([
      ['1', 'aa', '5'],
      ['2', 'b', '6'],
    ]);
    await target.apply([announce(third), insert(third, '3000000000', 'six', 'c')]);
    expect(await target.rows('items')).toEqual([
      ['1', '5', null],
      ['2', '6', null],
      ['3000000000', 'six', 'c'],
    ]);
    expect(await shape(target, 'items')).toEqual(['id bigint not null', 'n text', 'name text']);
  });

  test('the primary key follows', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    const byName = { ...next(items, items.columns), key: [1] };
    await target.apply([announce(byName), insert(byName, '1', 'b'), update(byName, '2', 'a')]);
    expect(await target.rows('items')).toEqual([
      ['1', 'b'],
      ['2', 'a'],
    ]);
    await expect(target.apply([insert(byName, '3', 'a')])).rejects.toThrow();
    const free = { ...next(byName, items.columns), key: [], identity: 'full' as const };
    await target.apply([announce(free), insert(free, '1', 'b')]);
    expect(await target.rows('items')).toHaveLength(3);
  });

  test('a column that was dropped and added again starts empty', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    const again = next(items, [items.columns[0] as never, column('name', 'text', 3)]);
    await target.apply([announce(again), insert(again, '2', 'b')]);
    expect(await target.rows('items')).toEqual([
      ['1', null],
      ['2', 'b'],
    ]);
  });

  test('a dropped column stays where that is asked for, and needs no value any more', async () => {
    await using target = await replica({ keepDroppedColumns: true });
    const wide = next(items, [...items.columns, column('old', 'text', 3, { nullable: false })]);
    await target.apply([announce(wide), insert(wide, '1', 'a', 'x')]);
    const narrow = next(wide, items.columns);
    await target.apply([announce(narrow), insert(narrow, '2', 'b')]);
    expect(await target.rows('items')).toEqual([
      ['1', 'a', 'x'],
      ['2', 'b', null],
    ]);
  });

  test('NOT NULL follows the source', async () => {
    await using target = await replica();
    const [id, name] = items.columns as [TableSchema['columns'][0], TableSchema['columns'][0]];
    const strict = next(items, [id, { ...name, nullable: false }]);
    await target.apply([announce(items), insert(items, '1', 'a'), announce(strict)]);
    expect(await shape(target, 'items')).toEqual(['id integer not null', 'name text not null']);
    await target.apply([announce(next(strict, items.columns))]);
    expect(await shape(target, 'items')).toEqual(['id integer not null', 'name text']);
  });

  test('NOT NULL waits for the rows that the source fills before', async () => {
    await using target = await replica();
    const [id, name] = items.columns as [TableSchema['columns'][0], TableSchema['columns'][0]];
    const strict = next(items, [id, { ...name, nullable: false }, column('n', 'int', 3, { nullable: false })]);
    await target.apply([announce(items), insert(items, '1', null), insert(items, '2', 'b')]);
    await target.apply([
      announce(strict),
      update(strict, '1', 'a', '1'),
      update(strict, '2', 'b', '2'),
      insert(strict, '3', 'c', null),
      update(strict, '3', 'c', '3'),
    ]);
    expect(await target.rows('items')).toHaveLength(3);
    expect(await shape(target, 'items')).toEqual(['id integer not null', 'name text', 'n integer']);
    const later = next(strict, strict.columns, { version: 9, identity: 'full' });
    await target.apply([announce(later)]);
    expect(await shape(target, 'items')).toEqual(['id integer not null', 'name text not null', 'n integer not null']);
  });

  test('a table whose version is ahead of its rows takes them as they are', async () => {
    await using target = await replica();
    const strict = table('items', ['id int*', 'name text!']);
    await target.apply([announce(strict), insert(strict, '1', null)], [insert(strict, '2', null)]);
    expect(await target.rows('items')).toEqual([
      ['1', null],
      ['2', null],
    ]);
    await using mine = await replica({}, 'create table items (id int primary key, name text not null)');
    await expect(mine.apply([announce(items), insert(items, '1', null)])).rejects.toThrow(RecordError);
  });

  test('a key waits for its column to be filled', async () => {
    await using target = await replica();
    const free = { ...table('items', ['name text']), identity: 'full' as const };
    const keyed = {
      ...next(free, [...free.columns, column('id', 'int', 2, { nullable: false })]),
      key: [1],
      identity: 'full' as const,
    };
    await target.apply([announce(free), insert(free, 'a')]);
    await target.apply([announce(keyed), insert(keyed, 'b', '2')]);
    expect(await shape(target, 'items')).toEqual(['name text', 'id integer']);
    await target.database.query('update items set id = 1 where id is null');
    await target.apply([announce({ ...keyed, identity: 'default' })]);
    expect(await shape(target, 'items')).toEqual(['name text', 'id integer not null']);
  });

  test('rows older than a column get what it was added with, not what its default is by now', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    const more = next(items, [
      ...items.columns,
      column('n', 'int', 3, { missing: '5', default: '7', nullable: false }),
      column('at', 'timestamptz', 4, { missing: '2026-01-01 00:00:00+00' }),
      column('q', 'varchar(20)', 5, { missing: "it's \\", default: 'public.evil()' }),
      column('late', 'int', 6, { default: '9' }),
    ]);
    await target.apply([announce(more), insert(more, '2', 'b', '8', null, 'x', '9')]);
    expect(await target.rows('items')).toEqual([
      ['1', 'a', '5', '2026-01-01 00:00:00+00', "it's \\", null],
      ['2', 'b', '8', null, 'x', '9'],
    ]);
    expect((await shape(target, 'items')).slice(2)).toEqual([
      'n integer not null 7',
      'at timestamp with time zone',
      'q character varying(20)',
      'late integer 9',
    ]);
  });

  test('a type that does not keep every value stops the sink, unless there are none or it is done by hand', async () => {
    await using target = await replica();
    const long = table('items', ['id int*', 'name varchar(5)']);
    const short = next(long, [long.columns[0] as never, column('name', 'varchar(1)', 2)]);
    await target.apply([announce(long), insert(long, '1', 'abcde')]);
    await expect(target.apply([announce(short)])).rejects.toThrow(
      'Column "name" of table "public"."items" became character varying(1) at the source',
    );
    expect(await target.rows('items')).toEqual([['1', 'abcde']]);
    await target.database.query('alter table items alter name type varchar(1) using right(name, 1)');
    await target.apply([announce(short), insert(short, '2', 'b')]);
    expect(await target.rows('items')).toEqual([
      ['1', 'e'],
      ['2', 'b'],
    ]);
    await target.database.query('truncate items');
    const number = next(short, [short.columns[0] as never, column('name', 'int', 2)]);
    await target.apply([announce(number), insert(number, '1', '7')]);
    expect(await shape(target, 'items')).toEqual(['id integer not null', 'name integer']);
  });

  test('a column whose old rows have values that only the source knows stops the sink', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    const more = next(items, [...items.columns, column('at', 'timestamptz', 3, { default: 'now()' })]);
    await expect(target.apply([announce(more)])).rejects.toThrow(
      'Column "at" was added with values that only the source knows',
    );
    await target.database.query('alter table items add at timestamptz');
    await target.apply([announce(more), insert(more, '2', 'b', '2026-01-01 00:00:00+00')]);
    expect(await target.rows('items')).toHaveLength(2);
  });

  test("columns of the target's own stay, and missing ones are an error where tables are not evolved", async () => {
    await using target = await replica(
      { autoEvolve: false },
      "create table items (id int primary key, mine text default 'm')",
    );
    await expect(target.apply([insert(items, '1', 'a')])).rejects.toThrow('lacks columns: name');
    await target.database.query('alter table items add name text');
    await target.apply([insert(items, '1', 'a')]);
    expect(await target.rows('items')).toEqual([['1', 'm', 'a']]);
  });

  test('a renamed table keeps its rows', async () => {
    await using target = await replica();
    await target.apply([insert(items, '1', 'a')]);
    const renamed = next(items, items.columns, { name: 'goods', schema: 'other' });
    await target.apply([announce(renamed), insert(renamed, '2', 'b')]);
    expect(await target.rows('other.goods')).toEqual([
      ['1', 'a'],
      ['2', 'b'],
    ]);
  });

  test('a name that another table takes never costs the rows of the one that had it', async () => {
    await using target = await replica();
    await target.apply([announce(items), insert(items, '1', 'a')]);
    const successor = { ...items, relationId: 99_999 };
    const old = next(items, items.columns, { name: 'items_old' });
    await target.apply([announce(successor)]); // nothing is known of the first one yet
    await expect(target.apply([insert(successor, '2', 'b')])).rejects.toThrow(
      'Table "public"."items" on the target holds the rows of another table',
    );
    const emptied = control({ kind: 'truncate', tables: [successor], cascade: false, restartIdentity: false });
    await expect(target.apply([emptied])).rejects.toThrow(OperatorError);
    expect(await target.rows('items')).toEqual([['1', 'a']]);
    await target.database.query('alter table items rename to items_old');
    await target.apply([insert(successor, '2', 'b'), announce(old), insert(old, '3', 'c')]);
    expect(await target.rows('items')).toEqual([['2', 'b']]);
    expect(await target.rows('items_old')).toEqual([
      ['1', 'a'],
      ['3', 'c'],
    ]);
  });

  test('a table that was renamed before another one takes its name keeps its rows', async () => {
    await using target = await replica();
    await target.apply([announce(items), insert(items, '1', 'a')]);
    const successor = { ...items, relationId: 99_999 };
    const old = next(items, items.columns, { name: 'items_old' });
    await target.apply([announce(successor), announce(old), insert(old, '3', 'c'), insert(successor, '2', 'b')]);
    expect(await target.rows('items')).toEqual([['2', 'b']]);
    expect(await target.rows('items_old')).toHaveLength(2);
  });

  test('a table that was dropped and created with another shape takes over the empty one', async () => {
    await using target = await replica();
    const before = table('items', ['id int*', 'n int!', 'name text']);
    await target.apply([announce(before), insert(before, '1', '1', 'a')]);
    await target.database.query('truncate items');
    const again = { ...table('items', ['name int', 'id text*', 'more text']), relationId: 99_999 };
    await target.apply([announce(again), insert(again, '7', 'x', 'y')]);
    expect((await shape(target, 'items')).sort()).toEqual(['id text not null', 'more text', 'name integer']);
    const [known] = await target.database.query('select relation_id, owned from rowcast.tables');
    expect(known).toEqual({ relation_id: '99999', owned: true });
  });

  test('two schemas with one target are refused', async () => {
    await using target = await replica({ schemaMapping: { a: 'copy', b: 'copy' } });
    const [first, second] = [
      { ...items, schema: 'a' },
      { ...items, schema: 'b', relationId: 99_999 },
    ];
    await target.apply([insert(first, '1', 'a')]);
    await expect(target.apply([insert(second, '2', 'b')])).rejects.toThrow(
      'Tables a.items and b.items of the source have one target',
    );
    expect(await target.rows('copy.items')).toEqual([['1', 'a']]);
  });

  test('labels of an enum are added in their places and can be used at once', async () => {
    const mood = (labels: string[]): ColumnType => ({
      oid: 90_001,
      name: 'public.mood',
      declared: 'public.mood',
      modifier: -1,
      kind: 'enum',
      base: 'public.mood',
      baseModifier: -1,
      labels,
    });
    const first = next(items, [items.columns[0] as never, column('m', 'text', 2, { type: mood(['b', 'd']) })]);
    const second = next(first, [
      items.columns[0] as never,
      column('m', 'text', 2, { type: mood(['a', 'b', 'c', 'd', 'e']) }),
    ]);
    await using target = await replica();
    await target.apply([announce(first), insert(first, '1', 'd')]);
    await target.apply([
      announce(second),
      insert(second, '2', 'a'),
      insert(second, '3', 'c'),
      insert(second, '4', 'e'),
    ]);
    const third = next(second, [
      items.columns[0] as never,
      column('m', 'text', 2, { type: mood(['a', 'b', 'c', 'd', 'e', 'f']) }),
    ]);
    await using other = await replica();
    await other.apply([announce(first), announce(third), insert(third, '1', 'f')]);
    expect(await other.rows('items')).toEqual([['1', 'f']]);
    const order = await target.database.query<{ m: string }>('select m::text from items order by m');
    expect(order.map((row) => row.m)).toEqual(['a', 'c', 'd', 'e']);
  });

  test('what a rolled back transaction created is created again', async () => {
    await using target = await replica();
    await expect(target.apply([announce(items), remove(items, '1', null)])).rejects.toThrow(OperatorError);
    await target.apply([announce(items), insert(items, '1', 'a')]);
    expect(await target.rows('items')).toEqual([['1', 'a']]);
  });
});

describe('truncate and copy', () => {
  const other = table('other', ['id int*', 'item int']);
  const begin = control({ kind: 'snapshot-begin', tables: [items] });
  const end = control({ kind: 'snapshot-end', tables: [items] });

  test('truncates in order with the rows, the listed tables only', async () => {
    await using target = await replica(
      {},
      `create table items (id int primary key, name text);
      create table other (id int primary key, item int references items)`,
    );
    await target.apply([insert(items, '1', 'a'), insert(other, '1', '1')]);
    const both = control({
      kind: 'truncate',
      tables: [items, other, table('absent', ['id int*'])],
      cascade: false,
      restartIdentity: true,
    });
    await target.apply([both, insert(items, '2', 'b'), insert(other, '1', '2')]);
    expect(await target.rows('other')).toEqual([['1', '2']]);
    const one = control({ kind: 'truncate', tables: [items], cascade: true, restartIdentity: false });
    await target.apply([insert(items, '3', 'c'), one, insert(items, '4', 'd')]);
    expect(await target.rows('items')).toEqual([['4', 'd']]);
    expect(await target.rows('other')).toEqual([['1', '2']]);
  });

  test('a table that is not empty is refused before its first copy, or emptied when asked for', async () => {
    const prepare = "create table items (id int primary key, name text); insert into items values (7, 'mine')";
    await using refusing = await replica({}, prepare);
    await expect(refusing.apply([announce(items), begin])).rejects.toThrow(
      'Table "public"."items" on the target is not empty',
    );
    expect(await refusing.rows('items')).toEqual([['7', 'mine']]);
    await using emptying = await replica({ onExisting: 'truncate' }, prepare);
    await emptying.apply(batchOf([announce(items), begin, read(items, '1', 'a')], false));
    expect(await emptying.rows('items')).toEqual([['1', 'a']]);
  });

  test('a copy that starts again voids what the first one left', async () => {
    await using target = await replica({}, 'create table items (id int primary key, name text)');
    await target.apply(batchOf([announce(items), begin, read(items, '1', 'ghost')], false));
    await target.apply(batchOf([begin, read(items, '2', 'b'), end], false));
    expect(await target.rows('items')).toEqual([['2', 'b']]);
  });

  test('a copy that starts again voids tables that it does not copy any more, and follows every change', async () => {
    await using target = await replica({}, 'create table mine (id int); insert into mine values (1)');
    const gone = table('gone', ['id int*']);
    const both = control({ kind: 'snapshot-begin', tables: [items, gone] });
    const first = [announce(items), announce(gone), both, read(items, '1', 'a'), read(gone, '1')];
    await target.apply(batchOf(first, false), { consistent: false });
    const [again, renamed] = [
      { ...table('items', ['id text*', 'n int']), relationId: 99_999 },
      next(items, [items.columns[0] as never, column('name', 'int', 2)], { name: 'items_old' }),
    ];
    const second = control({ kind: 'snapshot-begin', tables: [again, renamed] });
    await target.apply(
      batchOf([announce(again), announce(renamed), second, read(again, 'x', '1'), read(renamed, '2', '3')], false),
    );
    expect(await target.rows('items')).toEqual([['x', '1']]);
    expect(await target.rows('items_old')).toEqual([['2', '3']]);
    expect([await target.rows('gone'), await target.rows('mine')]).toEqual([[], [['1']]]);
  });

  test('a later copy leaves the tables alone that it does not name', async () => {
    await using target = await replica();
    await target.apply([announce(items), insert(items, '1', 'a')]);
    await target.apply([announce(other), control({ kind: 'snapshot-begin', tables: [other] })]);
    expect(await target.rows('items')).toEqual([['1', 'a']]);
  });
});
