import { describe, expect, test } from 'vitest';
import type { CountingCheckpoint } from '../../src/log/protocol/counter.ts';
import type { Acceptance } from '../../src/log/protocol/records.ts';
import { isAccepted } from '../../src/pipeline/gap.ts';
import type { History } from '../../src/pipeline/ledger.ts';
import type { HeldSource } from '../../src/source/source.ts';

const IDENTITY = { system: '1', timeline: 2, publication: '16400' };

function accepted(
  confirmed: string,
  position: string,
  held: Partial<Pick<HeldSource, 'identity' | 'slot' | 'confirmed'>>,
) {
  const checkpoint = { offset: 9, position, consistent: true } as CountingCheckpoint;
  const acceptance: Acceptance = {
    kind: 'acceptance',
    logId: 'log',
    nonce: 'n',
    checkpoint: 9,
    slot: 'slot',
    confirmed,
    ...IDENTITY,
    at: 0,
  };
  const history: History = { logId: 'log', claims: [], checkpoint, acceptances: [acceptance] };
  return isAccepted(history, { identity: IDENTITY, slot: 'slot', confirmed, ...held } as HeldSource);
}

describe('An acceptance', () => {
  test('holds for the server, publication and slot that it names', () => {
    expect(accepted('0020', '0010', {})).toBe(true);
    expect(accepted('0020', '0010', { identity: { ...IDENTITY, system: '2' } })).toBe(false);
    expect(accepted('0020', '0010', { identity: { ...IDENTITY, timeline: 3 } })).toBe(false);
    expect(accepted('0020', '0010', { identity: { ...IDENTITY, publication: '16401' } })).toBe(false);
    expect(accepted('0020', '0010', { slot: 'other' })).toBe(false);
    expect(accepted('0020', '0010', { confirmed: undefined })).toBe(false);
  });

  test('holds for a slot that went back with a crash, and for none that moved on', () => {
    expect(accepted('0020', '0010', { confirmed: '0018' })).toBe(true);
    expect(accepted('0020', '0010', { confirmed: '0021' })).toBe(false);
  });

  test('does not let another history be read from below the position (O1)', () => {
    expect(accepted('0020', '0010', { confirmed: '000F' })).toBe(false);
  });

  test('holds for a slot below the position, which a start moves up to it', () => {
    expect(accepted('0008', '0010', {})).toBe(true);
    expect(accepted('0008', '0010', { confirmed: '0010' })).toBe(true);
    expect(accepted('0008', '0010', { confirmed: '0011' })).toBe(false);
  });
});
