import type { CopySignal } from '../../change/copy-request.ts';
import type { HearSignal, RawSignal, SignalTarget } from '../../change/signal.ts';
import { requestId } from '../../change/signal.ts';
import { describeError, OperatorError } from '../../errors.ts';
import type { LogFields, Logger } from '../../observe/logger.ts';
import { copySignalOf } from '../../signal/copy-signal.ts';
import { readSignal } from '../../signal/read-signal.ts';

/** An asker's name for a signal may be anything. */
const LONGEST_ID = 100;

/** Carries signals out for one connector and tells the log of each; one that cannot be carried out is told with its reason, and changes nothing. */
export function signalHearer(logger: Logger, connector: string): HearSignal {
  return async (raw, target) => {
    const fields = { connector, signal: raw.place, id: raw.id?.slice(0, LONGEST_ID) };
    try {
      await carryOut(raw, target, (fact, more) => logger.info(fact, { ...fields, ...more }));
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      logger.warn('signal is not carried out', { ...fields, reason: describeError(error), advice: error.advice });
    }
  };
}

type Tell = (fact: string, fields: LogFields) => void;

/** Carries a signal out and tells that; resolves when it stands in the log. Throws OperatorError when that cannot be done. */
export async function carryOut(raw: RawSignal, target: SignalTarget, tell: Tell): Promise<void> {
  const order = readSignal(raw.type, raw.data);
  if (order.kind === 'log') {
    tell('signal', { message: order.message.replaceAll('{}', target.position ?? 'the beginning') });
    return;
  }
  if (order.kind === 'sync-sequences') {
    await target.syncSequences();
    tell('signal carried out: sync sequences', {});
    return;
  }
  const isAboutTables = order.kind === 'execute' || order.kind === 'stop';
  const asked = copySignalOf(requestId(raw), order, isAboutTables ? await target.tables() : []);
  await target.signal(asked);
  tell(`signal carried out: ${asked.kind} snapshot`, { tables: namesOf(asked).join(', ') || undefined });
}

/** The tables that a signal is about; none: all, or it is about none. */
export function namesOf(asked: CopySignal): readonly string[] {
  if (asked.kind === 'execute') return asked.tables.map(({ schema, name }) => `${schema}.${name}`);
  return asked.kind === 'stop' ? asked.tables : [];
}
