import type { Column } from '../../../change/table-schema.ts';
import { Findings, type Finding } from '../../../finding.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import type { ResolvedSinkSettings } from '../settings.ts';
import { keepsValues } from '../type-change.ts';
import type { SourceType } from './source-view.ts';
import type { StoredProgress, TargetServer, TargetTableFacts } from './target-facts.ts';

/** What the tables are judged by. */
export interface TablesCase {
  readonly settings: ResolvedSinkSettings;
  readonly target: TargetServer;
  readonly progress: StoredProgress | undefined;
  readonly tables: readonly TargetTableFacts[];
  /** Types of the source that the target lacks. */
  readonly missingTypes: readonly SourceType[];
}

type Found = NonNullable<TargetTableFacts['found']>;

/** Judges every table that rows will go to: those that are there, and whether the others can be made. */
export function judgeTargetTables(it: TablesCase): readonly Finding[] {
  const found = new Findings();
  judgeTypes(it, found);
  judgeSchemas(it, found);
  for (const table of it.tables) {
    if (table.found === undefined) judgeMissing(it, table, found);
    else judgePresent(it, table, table.found, found);
  }
  if (found.all.every(({ level }) => level === 'ok') && it.tables.length > 0) {
    const present = it.tables.filter((table) => table.found !== undefined).length;
    found.ok(
      'tables',
      `database ${it.settings.connection.database}`,
      `${present} of ${it.tables.length} tables are there; the others will be created.`,
    );
  }
  return found.all;
}

function judgeTypes({ settings, missingTypes }: TablesCase, found: Findings): void {
  if (!settings.autoCreate && !settings.autoEvolve) return;
  const extensions = new Map<string, string>();
  for (const { name, extension, extensionSchema, ddl, isAutomatic } of missingTypes) {
    if (extension !== null) extensions.set(extension, extensionSchema ?? 'public');
    else if (!isAutomatic)
      found.problem(
        'types',
        `type ${name}`,
        'The source has columns of this type, and the target does not know it.',
        ddl ?? undefined,
      );
  }
  for (const [extension, schema] of extensions) {
    const fix = /* sql */ `create schema if not exists ${quoteIdentifier(schema)};\ncreate extension if not exists ${quoteIdentifier(extension)} schema ${quoteIdentifier(schema)};`;
    found.problem(
      'extensions',
      `extension ${extension}`,
      'The source has columns of its types, and the target does not have it.',
      fix,
    );
  }
}

/** One grant per schema, however many tables it will get. */
function judgeSchemas({ settings, target, tables }: TablesCase, found: Findings): void {
  const role = quoteIdentifier(settings.connection.user);
  const bySchema = new Map(tables.map((table) => [table.schema, table]));
  for (const [schema, { hasSchema, mayUseSchema }] of bySchema) {
    const needsTables = tables.some((table) => table.schema === schema && table.found === undefined);
    const mayCreate = tables.some((table) => table.schema === schema && table.mayCreateInSchema);
    const object = `schema ${schema}`;
    if (!hasSchema) {
      if (settings.autoCreate && target.mayCreate) continue;
      found.problem(
        'rights',
        object,
        `It does not exist, and role ${settings.connection.user} may not create it.`,
        /* sql */ `create schema ${quoteIdentifier(schema)} authorization ${role};`,
      );
    } else if (needsTables && settings.autoCreate && !mayCreate) {
      found.problem(
        'rights',
        object,
        `Role ${settings.connection.user} may not create tables there.`,
        /* sql */ `grant usage, create on schema ${quoteIdentifier(schema)} to ${role};`,
      );
    } else if (!mayUseSchema) {
      found.problem(
        'rights',
        object,
        `Role ${settings.connection.user} may not use it.`,
        /* sql */ `grant usage on schema ${quoteIdentifier(schema)} to ${role};`,
      );
    }
  }
}

function judgeMissing({ settings }: TablesCase, { schema, name, source }: TargetTableFacts, found: Findings): void {
  if (settings.autoCreate) return;
  const columns = source.columns.map(
    (column) => `${quoteIdentifier(column.name)} ${column.type.declared}${column.nullable ? '' : ' not null'}`,
  );
  const key = keyOf(source);
  if (key.length > 0) columns.push(`primary key (${key.map(quoteIdentifier).join(', ')})`);
  found.problem(
    'tables',
    `table ${schema}.${name}`,
    'It does not exist, and auto.create is false.',
    /* sql */ `create table ${qualified(schema, name)} (${columns.join(', ')});\nalter table ${qualified(schema, name)} owner to ${quoteIdentifier(settings.connection.user)};`,
  );
}

function judgePresent(it: TablesCase, table: TargetTableFacts, there: Found, found: Findings): void {
  const object = `table ${table.schema}.${table.name}`;
  if (there.kind !== 'r' && there.kind !== 'p') {
    const kind =
      there.kind === 'm'
        ? 'materialized view'
        : there.kind === 'f'
          ? 'foreign table'
          : there.kind === 'v'
            ? 'view'
            : 'table';
    return found.problem(
      'tables',
      object,
      'Something else of this name is there, not a table.',
      /* sql */ `alter ${kind} ${qualified(table.schema, table.name)} rename to ${quoteIdentifier(`${table.name}_before`)};`,
    );
  }
  judgeRights(it, table, there, object, found);
  judgeRows(it, table, there, object, found);
  judgeShape(it, table, there, object, found);
  judgeFiring(it, table, there, object, found);
}

function judgeRights(
  { settings }: TablesCase,
  { schema, name }: TargetTableFacts,
  there: Found,
  object: string,
  found: Findings,
): void {
  const { user } = settings.connection;
  if (there.lacks.length > 0) {
    const grant = /* sql */ `grant ${there.lacks.join(', ')} on table ${qualified(schema, name)} to ${quoteIdentifier(user)};`;
    found.problem('rights', object, `Role ${user} lacks ${there.lacks.join(', ')}.`, grant);
  }
  if (settings.autoEvolve && !there.isOwned) {
    found.warning(
      'ownership',
      object,
      `Role ${user} does not own it: columns that the source adds or changes stop the connector.`,
      /* sql */ `alter table ${qualified(schema, name)} owner to ${quoteIdentifier(user)};`,
    );
  }
}

function judgeRows(
  { settings, progress }: TablesCase,
  { schema, name, source }: TargetTableFacts,
  there: Found,
  object: string,
  found: Findings,
): void {
  if (settings.onExisting !== 'refuse' || there.hasRows !== true) return;
  if (progress === undefined || progress.hasProgress || progress.owned.has(source.relationId)) return;
  found.problem(
    'target.not.empty',
    object,
    'It has rows that the connector did not write, and target.not.empty is refuse.',
    /* sql */ `truncate table ${qualified(schema, name)}; -- or "target.not.empty": "truncate", or "adopt"`,
  );
}

function judgeShape(
  { settings }: TablesCase,
  { schema, name, source }: TargetTableFacts,
  there: Found,
  object: string,
  found: Findings,
): void {
  const columns = new Map((there.facts?.columns ?? []).map((column) => [column.name, column]));
  const head = /* sql */ `alter table ${qualified(schema, name)}`;
  const evolves = settings.autoEvolve && there.isOwned;
  for (const column of source.columns) {
    const target = columns.get(column.name);
    if (target === undefined) {
      if (!evolves)
        found.problem(
          'columns',
          object,
          `Column ${column.name} is missing.`,
          `${head} add column ${quoteIdentifier(column.name)} ${column.type.declared};`,
        );
    } else if (!fits(column, target) && !(evolves && there.hasRows === false)) {
      const to = `${quoteIdentifier(column.name)} type ${column.type.declared}`;
      found.warning(
        'columns',
        object,
        `Column ${column.name} is ${target.type.declared}, at the source it is ${column.type.declared}: values may not fit.`,
        `${head} alter column ${to} using ${quoteIdentifier(column.name)}::${column.type.declared};`,
      );
    }
  }
  const key = keyOf(source);
  if (
    key.length === 0 ||
    there.hasUniqueKey ||
    key.some((each) => !columns.has(each)) ||
    (evolves && there.facts?.key.length === 0)
  )
    return;
  found.warning(
    'key',
    object,
    `It has no unique index on (${key.join(', ')}): rows are found slowly, and twice if they are there twice.`,
    /* sql */ `create unique index on ${qualified(schema, name)} (${key.map(quoteIdentifier).join(', ')});`,
  );
}

function judgeFiring(
  { target }: TablesCase,
  { schema, name }: TargetTableFacts,
  there: Found,
  object: string,
  found: Findings,
): void {
  const firing = target.mayReplicaRole ? there.alwaysTriggers : [...there.triggers, ...there.alwaysTriggers];
  const head = /* sql */ `alter table ${qualified(schema, name)}`;
  if (firing.length > 0) {
    const fix = firing.map((trigger) => `${head} disable trigger ${quoteIdentifier(trigger)};`).join('\n');
    found.warning('triggers', object, `Its triggers fire for replayed rows too: ${firing.join(', ')}.`, fix);
  }
  if (!target.mayReplicaRole && there.foreignKeys.length > 0) {
    const fix = there.foreignKeys
      .map((each) => `${head} alter constraint ${quoteIdentifier(each)} deferrable;`)
      .join('\n');
    found.warning(
      'foreign keys',
      object,
      `Its foreign keys are checked after every statement: ${there.foreignKeys.join(', ')}.`,
      fix,
    );
  }
}

/** Same text, or a type that takes all of the source's values. */
function fits(source: Column, target: Column): boolean {
  return source.type.declared === target.type.declared || keepsValues(source.type, target.type);
}

function keyOf({ key, columns }: TargetTableFacts['source']): readonly string[] {
  return key.map((ordinal) => columns[ordinal]?.name ?? '');
}
