import type { ConnectionSettings } from '../../postgres/connection-settings.ts';
import { connect } from '../../postgres/connect.ts';
import { lsnToPosition, parseLsn } from '../../postgres/lsn.ts';
import { SHOP_ROWS, SHOP_SCHEMA } from './shop-schema.ts';

/** A last change; its commit lies behind the returned position, and everything else before its commit. */
export async function writeMarker(source: ConnectionSettings): Promise<string> {
  const client = await connect(source, 'rowcast demo');
  try {
    await client.query(/* sql */ `begin`);
    await client.query(/* sql */ `update public.customers set name = name || '.' where id = 1`);
    const { rows } = await client.query<{ lsn: string }>(
      /* sql */ `select pg_catalog.pg_current_wal_insert_lsn()::text as lsn`,
    );
    await client.query(/* sql */ `commit`);
    return lsnToPosition(parseLsn(rows[0]?.lsn ?? '0/0'));
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
