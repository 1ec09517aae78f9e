import { quoteIdentifier, quoteLiteral } from '../../../src/postgres/identifier.ts';
import type { Random } from '../../../src/torture/random.ts';
import { freshName } from './names.ts';
import { type ColumnModel, list, nameOf, type TableModel } from './table-model.ts';
import { generateChild, SCHEMAS } from './tables.ts';
import { literal, type TypeSpec } from './type-spec.ts';
import { typeNamed } from './types.ts';

interface Named {
  readonly schema: string;
  name: string;
}

/** A type of the round's own. Columns share the spec, so that a new label or name is theirs too. */
interface OwnType {
  readonly spec: { sql: string; readonly values: string[] };
  readonly kind: 'type' | 'domain';
}

/** What DDL replication follows besides the columns of tables: their constraints and indexes, their lives, types, partitions. */
export class Objects {
  readonly #tables: TableModel[];
  readonly #random: Random;
  readonly #indexes: Named[] = [];
  readonly #constraints: { readonly table: TableModel; name: string }[] = [];
  readonly #types: OwnType[] = [];
  #count = 0;

  constructor(tables: TableModel[], random: Random) {
    this.#tables = tables;
    this.#random = random;
  }

  /** One change, as the statements that make it. */
  change(): readonly string[] {
    const kinds = [
      () => this.#index(),
      () => this.#constraint(),
      () => this.#life(),
      () => this.#type(),
      () => this.#partitions(),
    ];
    return this.#random.pick(kinds)();
  }

  #fresh(stem: string): string {
    return `${stem} ${++this.#count}`;
  }

  #index(): readonly string[] {
    const random = this.#random;
    const known = this.#indexes.length > 0 ? random.pick(this.#indexes) : undefined;
    if (known !== undefined && random.chance(0.5)) {
      const at = `${quoteIdentifier(known.schema)}.${quoteIdentifier(known.name)}`;
      if (random.chance(0.5)) {
        this.#indexes.splice(this.#indexes.indexOf(known), 1);
        return [`drop index ${at}`];
      }
      known.name = this.#fresh('renamed index');
      return [`alter index ${at} rename to ${quoteIdentifier(known.name)}`];
    }
    const table = random.pick(this.#tables);
    const column = table.columns.find(
      ({ type }) => type.nth !== undefined && /^(integer|text|bigint|date)$/.test(type.sql),
    );
    if (column === undefined) return [];
    const quoted = quoteIdentifier(column.name);
    const index = { schema: table.schema, name: this.#fresh('index') };
    this.#indexes.push(index);
    const what = random.pick([quoted, `${quoted} desc nulls last`, `(${quoted} is null), ${quoted}`]);
    const where = random.chance(0.3) ? ` where ${quoted} is not null` : '';
    return [`create index ${quoteIdentifier(index.name)} on ${nameOf(table)} (${what})${where}`];
  }

  #constraint(): readonly string[] {
    const random = this.#random;
    const known = this.#constraints.length > 0 ? random.pick(this.#constraints) : undefined;
    if (known !== undefined && this.#tables.includes(known.table) && random.chance(0.5)) {
      const alter = `alter table ${nameOf(known.table)}`;
      const quoted = quoteIdentifier(known.name);
      if (random.chance(0.5)) {
        this.#constraints.splice(this.#constraints.indexOf(known), 1);
        return [`${alter} drop constraint ${quoted}`];
      }
      known.name = this.#fresh('renamed constraint');
      return [`${alter} rename constraint ${quoted} to ${quoteIdentifier(known.name)}`];
    }
    const table = random.pick(this.#tables);
    const column = random.pick(table.columns);
    const constraint = { table, name: this.#fresh('constraint') };
    this.#constraints.push(constraint);
    const quoted = quoteIdentifier(column.name);
    const what = random.pick([
      `check (${quoted} is null or ${quoted} is not null)`,
      `check (num_nulls(${list(table.columns.slice(0, 3))}) >= 0) not valid`,
      ...(column.type.nth === undefined || table.isPartitioned ? [] : [`unique (${quoted})`]),
    ]);
    return [`alter table ${nameOf(table)} add constraint ${quoteIdentifier(constraint.name)} ${what}`];
  }

  /** Tables come, go, and move. */
  #life(): readonly string[] {
    const random = this.#random;
    const table = random.pick(this.#tables);
    const chance = random.below(100);
    const name = freshName('life', new Set(this.#tables.map((each) => each.name)), random);
    if (chance < 30) {
      const to = random.pick(SCHEMAS);
      const from = nameOf(table);
      if (to === table.schema) return [];
      table.schema = to;
      return [`alter table ${from} set schema ${quoteIdentifier(to)}`];
    }
    if (chance < 50 && this.#tables.length > 2) {
      this.#tables.splice(this.#tables.indexOf(table), 1);
      return [`drop table ${nameOf(table)}${random.chance(0.7) ? ' cascade' : ''}`];
    }
    if (table.isPartitioned) return [];
    if (chance < 75) {
      const { table: child, statements } = generateChild(table, name, random);
      this.#tables.push(child);
      return statements;
    }
    const copy = { ...table, name, columns: table.columns.map((column) => ({ ...column })) };
    this.#tables.push(copy);
    const statements = [`create table ${nameOf(copy)} (like ${nameOf(table)} including all)`];
    if (copy.key.length === 0) statements.push(`alter table ${nameOf(copy)} replica identity full`);
    return statements;
  }

  #type(): readonly string[] {
    const random = this.#random;
    const known = this.#types.length > 0 ? random.pick(this.#types) : undefined;
    if (known === undefined || random.chance(0.2)) return this.#newType();
    const { spec, kind } = known;
    const chance = random.below(100);
    if (chance < 50) return [this.#columnOf(known)];
    if (chance < 65) {
      const from = spec.sql;
      spec.sql = `public.${quoteIdentifier(this.#fresh(`renamed ${kind}`))}`;
      return [`alter ${kind} ${from} rename to ${spec.sql.replace('public.', '')}`];
    }
    if (kind === 'domain') {
      return [
        `alter domain ${spec.sql} add constraint ${quoteIdentifier(this.#fresh('limit'))} check (value < 1000000)`,
      ];
    }
    const label = this.#fresh("label 'x'");
    if (chance < 85) {
      const place = random.pick([
        '',
        ` before ${quoteLiteral(random.pick(spec.values))}`,
        ` after ${quoteLiteral(random.pick(spec.values))}`,
      ]);
      spec.values.push(label);
      return [`alter type ${spec.sql} add value ${quoteLiteral(label)}${place}`];
    }
    const at = random.below(spec.values.length);
    const old = spec.values[at] as string;
    spec.values[at] = label;
    return [`alter type ${spec.sql} rename value ${quoteLiteral(old)} to ${quoteLiteral(label)}`];
  }

  #newType(): readonly string[] {
    const isEnum = this.#random.chance(0.7);
    const name = this.#fresh(isEnum ? 'kind' : 'domain');
    const spec = { sql: `public.${quoteIdentifier(name)}`, values: isEnum ? ['a', 'b c'] : ['1', '-7'] };
    const type: OwnType = { spec, kind: isEnum ? 'type' : 'domain' };
    this.#types.push(type);
    const create = isEnum
      ? `create type ${spec.sql} as enum ('a', 'b c')`
      : `create domain ${spec.sql} as integer check (value > -1000)`;
    return [create, this.#columnOf(type)];
  }

  #columnOf({ spec }: OwnType): string {
    const table = this.#random.pick(this.#tables);
    const type: TypeSpec = spec;
    const name = freshName('own', new Set(table.columns.map((column) => column.name)), this.#random);
    const column: ColumnModel = { name, type, isRequired: false, isGiven: false, clauses: '' };
    table.columns.push(column);
    const value = this.#random.chance(0.5) ? ` default ${literal(type, spec.values[0])}` : '';
    return `alter table ${nameOf(table)} add column ${quoteIdentifier(name)} ${type.sql}${value}`;
  }

  /** A table by ranges: partitions go with their rows, and tables with rows become partitions. */
  #partitions(): readonly string[] {
    const random = this.#random;
    const root = this.#tables.find(({ name }) => name.startsWith('ranges'));
    const part = (n: number): string => `public.${quoteIdentifier(`range ${n}`)}`;
    if (root === undefined) {
      const column = (name: string, sql: string): ColumnModel => {
        return { name, type: typeNamed(sql), isRequired: name === 'id', isGiven: false, clauses: '' };
      };
      const columns = [column('id', 'integer'), column('v', 'text')];
      const table: TableModel = {
        schema: 'public',
        name: 'ranges',
        columns,
        key: ['id'],
        isPartitioned: true,
        held: new Set(['id', 'v']),
      };
      this.#tables.push(table);
      return [
        'create table public.ranges (id integer primary key, v text) partition by range (id)',
        ...RANGES.map(
          ([from, to], n) => `create table ${part(n)} partition of public.ranges for values from (${from}) to (${to})`,
        ),
      ];
    }
    const n = random.below(RANGES.length);
    const [from, to] = RANGES[n] as readonly [number, number];
    const bound = `for values from (${from}) to (${to})`;
    const [drop, create] = [`drop table ${part(n)}`, `create table ${part(n)}`];
    if (root.columns.length !== 2 || root.schema !== 'public' || root.name !== 'ranges') return [drop];
    return random.pick([
      [drop, `${create} partition of ${nameOf(root)} ${bound}`],
      [
        `alter table ${nameOf(root)} detach partition ${part(n)}`,
        drop,
        `${create} partition of ${nameOf(root)} ${bound}`,
      ],
      [
        drop,
        `${create} (id integer primary key, v text)`,
        `insert into ${part(n)} values (${from}, 'came along'), (${to - 1}, null)`,
        `alter table ${nameOf(root)} attach partition ${part(n)} ${bound}`,
      ],
    ]);
  }
}

const RANGES: readonly (readonly [number, number])[] = [
  [-1000, 5],
  [5, 10],
  [10, 1000],
];
