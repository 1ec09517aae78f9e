import type pg from 'pg';
import { OperatorError } from '../../../errors.ts';
import { qualified, quoteIdentifier } from '../../../postgres/identifier.ts';
import type { CaptureFilter } from '../../capture/filter.ts';
import type { WalSourceSettings } from '../settings.ts';

type Settings = Pick<WalSourceSettings, 'signalTable' | 'publicationName' | 'publicationAutocreateMode'>;

/** The table of signals, as a publication names it; undefined when there is none, or it is captured like others. */
export function signalClause(
  { signalTable }: Pick<Settings, 'signalTable'>,
  filter: Pick<CaptureFilter, 'table'>,
): string | undefined {
  const [schema, name] = signalTable?.split('.') ?? [];
  if (schema === undefined || name === undefined || filter.table(schema, name)) return undefined;
  return `only ${qualified(schema, name)}`;
}

/** Puts the table of signals into a publication that is ours; rows that it has are no signals any more. Throws OperatorError when that is not to be. */
export async function publishSignals(
  client: pg.ClientBase,
  settings: Settings,
  filter: Pick<CaptureFilter, 'table'>,
): Promise<void> {
  const { signalTable, publicationName: name, publicationAutocreateMode: mode } = settings;
  if (signalTable === undefined) return;
  const [schema, table] = signalTable.split('.');
  const sql = /* sql */ `select exists (select from pg_catalog.pg_publication_tables where pubname = $1 and schemaname = $2 and tablename = $3) as published,
    exists (select from pg_catalog.pg_tables where schemaname = $2 and tablename = $3) as present`;
  const found = (await client.query<{ published: boolean; present: boolean }>(sql, [name, schema, table])).rows[0];
  if (found?.published) return;
  if (!found?.present) {
    throw new OperatorError(`Table ${signalTable} of signal.data.collection does not exist`, {
      advice: `Create it (create table ${signalTable} (id varchar(42) primary key, type varchar(32) not null, data varchar(2048))), or leave signal.data.collection out.`,
    });
  }
  const clause = signalClause(settings, filter);
  if (mode !== 'filtered' || clause === undefined) {
    throw new OperatorError(`Publication "${name}" does not have table ${signalTable} of signal.data.collection`, {
      advice: `Add it: alter publication ${quoteIdentifier(name)} add table ${signalTable}.`,
    });
  }
  await client.query(`alter publication ${quoteIdentifier(name)} add table ${clause}`);
}
