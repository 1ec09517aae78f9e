import { expect, test } from 'vitest';
import { connectorStateInfo } from '../../../src/worker/rest/connect-shapes.ts';
import { slotView, sourceView } from '../rest/fake-daemon.ts';

test('the status of a source tells how its slot is, also while it does not run', () => {
  const slot = slotView({}, { holder: { kind: 'transaction', pid: 7, seconds: 90 }, safeWalBytes: undefined });
  const expected = {
    slot: {
      name: 's',
      level: 'ok',
      active: true,
      wal_status: 'reserved',
      retained_bytes: 200 * 1024 ** 2,
      limit_bytes: 1024 ** 3,
      safe_wal_size: null,
      seconds_left: 824,
      held_back_by: { kind: 'transaction', pid: 7, seconds: 90 },
      lag_bytes: 100 * 1024 ** 2,
      lag_transactions: 77,
      concern: null,
    },
  };
  for (const more of [{}, { status: undefined }]) {
    expect(connectorStateInfo(sourceView({ slot, ...more }), 'w', 'v').rowcast).toMatchObject(expected);
  }
  expect(connectorStateInfo(sourceView(), 'w', 'v').rowcast).not.toHaveProperty('slot');
});
