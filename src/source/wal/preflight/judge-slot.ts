import { Findings, type Finding } from '../../../finding.ts';
import { quoteLiteral } from '../../../postgres/identifier.ts';
import { isStale } from '../../capture/holder.ts';
import type { WalSourceSettings } from '../settings.ts';
import type { ServerFacts, SlotFacts } from './server-facts.ts';

/** More than this waits to be read: somebody should know. */
const MUCH_BYTES = 10 * 1024 ** 3;

/** Judges the slot, or what stands in the way of making it. */
export function judgeSlot(facts: ServerFacts, settings: WalSourceSettings): readonly Finding[] {
  const found = new Findings();
  const object = `slot ${settings.slotName}`;
  const slot = facts.slots.find(({ name }) => name === settings.slotName);
  if (slot === undefined) judgeCreation(facts, found, object);
  else if (isUsable(slot, settings, found, object)) judgeUse(slot, settings, found, object);
  return found.all;
}

function judgeCreation({ running, prepared }: ServerFacts, found: Findings, object: string): void {
  for (const { pid, seconds } of running) {
    found.warning(
      'long transactions',
      object,
      `Its creation waits for the transaction of process ${pid}, which has been open for ${seconds} seconds.`,
      /* sql */ `select pg_terminate_backend(${pid});`,
    );
  }
  for (const { gid, database, seconds } of prepared) {
    found.warning(
      'long transactions',
      object,
      `Its creation waits for the prepared transaction ${gid} of database ${database}, which is ${seconds} seconds old.`,
      /* sql */ `rollback prepared ${quoteLiteral(gid)}; -- or commit it, in database ${database}`,
    );
  }
  if (found.isOk('long transactions')) found.ok('slot', object, 'It does not exist and will be created.');
}

function isUsable(slot: SlotFacts, { connection }: WalSourceSettings, found: Findings, object: string): boolean {
  const drop = /* sql */ `select pg_drop_replication_slot(${quoteLiteral(slot.name)});`;
  if (slot.walStatus === 'lost') {
    found.problem(
      'slot',
      object,
      'It was invalidated: the server has removed WAL that was still needed. The replica must be copied anew.',
      `${drop} -- and choose a new topic.prefix`,
    );
    return false;
  }
  const wrong =
    slot.type !== 'logical'
      ? 'is a physical slot'
      : slot.plugin !== 'pgoutput'
        ? `belongs to plugin ${slot.plugin}`
        : slot.database !== connection.database
          ? `belongs to database ${slot.database}`
          : undefined;
  if (wrong === undefined) return true;
  found.problem('slot', object, `It ${wrong}.`, `"slot.name": "${slot.name.slice(0, 55)}_rowcast"`);
  return false;
}

function judgeUse(slot: SlotFacts, { name }: WalSourceSettings, found: Findings, object: string): void {
  const isOwn = slot.holder !== null && isStale(slot.holder, name, { daemon: '', offset: 0, id: '' }, true);
  if (slot.activePid !== null && !isOwn) {
    const holder = slot.holder ? ` ("${slot.holder}")` : '';
    found.problem(
      'slot',
      object,
      `It is held by another connection, process ${slot.activePid} of the server${holder}.`,
      /* sql */ `select pg_terminate_backend(${slot.activePid}); -- or another slot.name`,
    );
  } else {
    const state = isOwn
      ? `is in use by a running Rowcast (process ${slot.activePid} of the server)`
      : 'is there and free';
    found.ok('slot', object, `It ${state}.`);
  }
  const { retainedBytes, walStatus } = slot;
  if (walStatus === 'unreserved') {
    found.warning(
      'slot size',
      object,
      'The server is about to remove WAL that it needs.',
      'Start the connector now, or: alter system set max_slot_wal_keep_size = -1; select pg_reload_conf();',
    );
  } else if (retainedBytes !== null && retainedBytes > MUCH_BYTES) {
    const gigabytes = Math.round(retainedBytes / 1024 ** 3);
    found.warning(
      'slot size',
      object,
      `It keeps ${gigabytes} GB of WAL on the disk of the source.`,
      'Start the connector, or, if nobody needs it: ' +
        /* sql */ `select pg_drop_replication_slot(${quoteLiteral(slot.name)});`,
    );
  }
}
