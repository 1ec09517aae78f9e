import { Findings, type Finding } from '../../../finding.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import type { WalSourceSettings } from '../settings.ts';
import type { PublicationFacts } from './publication-facts.ts';
import type { ServerFacts } from './server-facts.ts';
import type { TableFacts } from '../../capture/preflight/table-facts.ts';

/** What the publication is judged by. */
export interface PublicationCase {
  readonly settings: WalSourceSettings;
  readonly server: ServerFacts;
  readonly publication: PublicationFacts | undefined;
  readonly tables: readonly TableFacts[];
}

const OPERATIONS = ['insert', 'update', 'delete', 'truncate'];
/** More names than this do not help in a sentence; the fix has them all. */
const NAMED = 5;

/** Judges the publication: whether it is there or can be made, and whether it publishes all that is captured. */
export function judgePublication(it: PublicationCase): readonly Finding[] {
  const found = new Findings();
  const object = `publication ${it.settings.publicationName}`;
  if (it.publication === undefined) judgeCreation(it, found, object);
  else {
    judgeTables(it, it.publication, found, object);
    judgeOptions(it, it.publication, found, object);
    if (found.isOk('publication')) found.ok('publication', object, 'It publishes what is captured.');
  }
  return found.all;
}

function judgeCreation(it: PublicationCase, found: Findings, object: string): void {
  const { settings, server, tables } = it;
  const mode = settings.publicationAutocreateMode;
  if (mode === 'disabled') {
    const whole = createSql(it, tables);
    return found.problem(
      'publication',
      object,
      'It does not exist, and publication.autocreate.mode is disabled.',
      whole,
    );
  }
  if (mode === 'all_tables' && !server.role.isSuperuser) {
    const message = `It does not exist, and role ${settings.connection.user} may not create one for all tables.`;
    return found.problem('publication', object, message, createForAllSql(it));
  }
  const strangers = mode === 'filtered' ? tables.filter(({ isOwned }) => !isOwned) : [];
  const lacks = [
    ...(server.role.mayCreate ? [] : [`has no CREATE on database ${settings.connection.database}`]),
    ...(strangers.length === 0 ? [] : [`does not own ${names(strangers)}`]),
  ];
  if (lacks.length === 0) return found.ok('publication', object, 'It does not exist and will be created.');
  found.problem(
    'publication',
    object,
    `It does not exist, and role ${settings.connection.user} cannot create it: it ${lacks.join(', and ')}. An administrator can, once.`,
    createSql(it, mode === 'filtered' ? tables : []),
  );
}

function judgeTables(it: PublicationCase, publication: PublicationFacts, found: Findings, object: string): void {
  const { settings, tables } = it;
  const mode = settings.publicationAutocreateMode;
  if (mode === 'filtered' && publication.isForAll) {
    return found.problem(
      'publication',
      object,
      'It is for all tables, but publication.autocreate.mode is filtered.',
      '"publication.autocreate.mode": "all_tables"',
    );
  }
  const listed = new Set(publication.listed.map(({ relationId }) => relationId));
  if (mode === 'filtered') judgeSurplus(it, publication, found, object);
  const missing = tables.filter(
    (table) => !listed.has(table.relationId) && !(mode !== 'filtered' && isPublished(publication, table)),
  );
  if (missing.length === 0) return;
  const add = /* sql */ `alter publication ${quoteIdentifier(settings.publicationName)} add table ${missing.map(clause).join(', ')};`;
  if (mode !== 'filtered') {
    const judge = mode === 'no_tables' ? 'warning' : 'problem';
    return found[judge](
      'publication',
      object,
      `It does not publish ${names(missing)}: their changes would be missed.`,
      add,
    );
  }
  const isBegun = it.server.slots.some(({ name }) => name === settings.slotName);
  if (isBegun) {
    found.warning(
      'publication',
      object,
      `It does not publish ${names(missing)}, which came after the first copy: they are captured from the next start on if they are empty then, else not at all.`,
      add,
    );
  } else if (!publication.isOwned || missing.some(({ isOwned }) => !isOwned)) {
    found.problem(
      'publication',
      object,
      `It does not publish ${names(missing)}, and role ${settings.connection.user} may not add them: it must own the publication and the tables.`,
      add,
    );
  }
}

/** The source takes out what it does not capture, for which it must own the publication. */
function judgeSurplus(
  { settings, tables }: PublicationCase,
  publication: PublicationFacts,
  found: Findings,
  object: string,
): void {
  const wanted = new Set(tables.map(({ relationId }) => relationId));
  const surplus = publication.listed.filter(({ relationId }) => !wanted.has(relationId)).map(({ name }) => name);
  if (surplus.length === 0 || publication.isOwned) return;
  const head = /* sql */ `alter publication ${quoteIdentifier(settings.publicationName)}`;
  const message = `It publishes tables that are not captured (${surplus.slice(0, NAMED).join(', ')}), and role ${settings.connection.user}, which does not own it, cannot take them out.`;
  found.problem('publication', object, message, `${head} drop table ${surplus.join(', ')};`);
}

function isPublished({ isForAll, published }: PublicationFacts, { relationId }: TableFacts): boolean {
  return isForAll || published.includes(relationId);
}

function judgeOptions(it: PublicationCase, publication: PublicationFacts, found: Findings, object: string): void {
  const { settings, tables } = it;
  const head = /* sql */ `alter publication ${quoteIdentifier(settings.publicationName)}`;
  const lacking = OPERATIONS.filter((operation) => !publication.operations.includes(operation));
  if (lacking.length > 0) {
    found.problem(
      'publication',
      object,
      `It leaves out every ${lacking.join(' and ')}: the replica would differ.`,
      `${head} set (publish = '${OPERATIONS.join(', ')}');`,
    );
  }
  const partitioned = tables.filter(({ isPartitioned }) => isPartitioned);
  if (partitioned.length > 0 && !publication.viaRoot) {
    found.problem(
      'publication',
      object,
      `It publishes partitions under their own names, so changes of ${names(partitioned)} would be missed.`,
      `${head} set (publish_via_partition_root = true);`,
    );
  }
  const byId = new Map(tables.map((table) => [table.relationId, table]));
  for (const { relationId, hasFilter, hasColumns } of publication.listed) {
    const table = byId.get(relationId);
    if (table === undefined || !(hasFilter || hasColumns)) continue;
    const what = [...(hasFilter ? ['some rows'] : []), ...(hasColumns ? ['some columns'] : [])].join(' and ');
    const fix = `${head} drop table ${clause(table)};\n${head} add table ${clause(table)};`;
    found.warning(
      'publication',
      object,
      `It publishes only ${what} of table ${table.schema}.${table.name}: the replica has no more.`,
      fix,
    );
  }
}

/** The publication as the source itself would make it. */
function createSql({ settings, server }: PublicationCase, tables: readonly TableFacts[]): string {
  const list = tables.length > 0 ? ` for table ${tables.map(clause).join(', ')}` : '';
  return /* sql */ `create publication ${quoteIdentifier(settings.publicationName)}${list} with (${options(server)});`;
}

function createForAllSql({ settings, server }: PublicationCase): string {
  return /* sql */ `create publication ${quoteIdentifier(settings.publicationName)} for all tables with (${options(server)});`;
}

function options({ version }: ServerFacts): string {
  return `publish_via_partition_root = true${version >= 180_000 ? ', publish_generated_columns = stored' : ''}`;
}

function clause({ schema, name, isPartitioned }: TableFacts): string {
  return `${isPartitioned ? '' : 'only '}${qualified(schema, name)}`;
}

function names(tables: readonly TableFacts[]): string {
  const first = tables.slice(0, NAMED).map(({ schema, name }) => `${schema}.${name}`);
  const rest = tables.length - first.length;
  return `${tables.length === 1 ? 'table' : 'tables'} ${first.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
