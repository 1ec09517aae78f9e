import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { lsnToPosition, parseLsn } from '../../postgres/lsn.ts';
import { SHOP_ROWS, SHOP_SCHEMA } from './shop-schema.ts';

/** A last change: its commit lies behind the position, and everything else before its commit. */
export interface Marker {
  readonly position: string;
  /** What it has made of a customer's name. */
  readonly name: string;
}

/** Makes the last change. */
export async function writeMarker(source: ConnectionSettings): Promise<Marker> {
  const client = await connect(source, 'rowcast demo');
  try {
    await client.query(/* sql */ `begin`);
    const { rows } = await client.query<{ name: string; lsn: string }>(
      /* sql */ `update public.customers set name = name || '.' where id = 1 returning name, pg_catalog.pg_current_wal_insert_lsn()::text as lsn`,
    );
    await client.query(/* sql */ `commit`);
    const { name = '', lsn = '0/0' } = rows[0] ?? {};
    return { position: lsnToPosition(parseLsn(lsn)), name };
  } finally {
    await client.end();
  }
}

/** Whether the last change has reached the replica. */
export async function hasMarker(replica: ConnectionSettings, { name }: Marker): Promise<boolean> {
  const client = await connect(replica, 'rowcast demo');
  try {
    const { rows } = await client.query<{ name: string }>(/* sql */ `select name from public.customers where id = 1`);
    return rows[0]?.name === name;
  } finally {
    await client.end();
  }
}

/** Creates the shop's tables and their first rows. */
export async function prepareShop(source: ConnectionSettings): Promise<void> {
  const client = await connect(source, 'rowcast demo');
  try {
    await client.query(SHOP_SCHEMA);
    await client.query(SHOP_ROWS);
  } finally {
    await client.end();
  }
}

/** Changes one cell behind everybody's back. */
export async function corruptReplica(replica: ConnectionSettings): Promise<void> {
  const client = await connect(replica, 'rowcast demo');
  try {
    await client.query(
      /* sql */ `update public.products set title = title || '!' where sku = (select max(sku) from public.products)`,
    );
  } finally {
    await client.end();
  }
}
