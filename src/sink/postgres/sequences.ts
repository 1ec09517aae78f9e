import type { SequenceState } from '../../change/sequence-state.ts';
import { OperatorError } from '../../errors.ts';
import { postgresError, sqlState } from '../../postgres/errors.ts';
import { qualified } from '../../postgres/identifier.ts';
import { findSequence, makeSequence, sequenceOptions, type SequencePlace, sequenceType } from './target-sequence.ts';

/**
 * Brings the target's sequences to where the source's stand, and makes those that are missing where tables may be made. None goes back: a value
 * that was given out on the target is not given again, but by a sequence that cycles. Throws OperatorError naming the sequence.
 */
export async function syncSequences(
  place: SequencePlace,
  states: readonly SequenceState[],
  signal: AbortSignal,
): Promise<void> {
  for (const state of states) {
    try {
      const found = await findSequence(place, state);
      const target = place.settings.autoCreate ? await makeSequence(place, state, found, signal) : found;
      if (target === undefined) warnOfMissing(place, state);
      else await bringForward(place, qualified(target.schema, target.name), state);
    } catch (error) {
      throw refused(error, `${state.schema}.${state.name}`);
    }
  }
}

/** What the target's sequence is and where it stands. */
type Standing = Pick<SequenceState, (typeof DEFINING)[number] | 'lastValue' | 'isCalled'>;

const DEFINING = ['type', 'increment', 'min', 'max', 'cycles'] as const;

/** One that was made with another range or direction and was not used yet says nothing by where it stands. */
async function bringForward({ session, settings }: SequencePlace, name: string, state: SequenceState): Promise<void> {
  const { rows } = await session.client.query<Standing>(
    /* sql */ `select s.last_value::text as "lastValue", s.is_called as "isCalled", format_type(q.seqtypid, null) as type,
        q.seqincrement::text as increment, q.seqmin::text as min, q.seqmax::text as max, q.seqcycle as cycles
      from ${name} s, pg_catalog.pg_sequence q where q.seqrelid = $1::text::regclass`,
    [name],
  );
  const target = rows[0] as Standing;
  const isOther = DEFINING.some((part) => target[part] !== state[part]);
  const isBehind = (isOther && !target.isCalled) || liesAhead(state, target);
  if (isOther && settings.autoEvolve) {
    const type = target.type === state.type ? '' : ` as ${sequenceType(state)}`;
    const restart = isBehind ? ` restart with ${BigInt(state.lastValue)}` : '';
    await session.single(/* sql */ `alter sequence ${name}${type} ${sequenceOptions(state)}${restart}`);
  }
  if (!isBehind) return;
  const { lastValue, isCalled } = state;
  await session.client.query(/* sql */ `select pg_catalog.setval($1::text::regclass, $2::int8, $3::bool)`, [
    name,
    lastValue,
    isCalled,
  ]);
}

/** Whether the state lies ahead of where the target's sequence stands. */
function liesAhead({ increment, cycles, lastValue, isCalled }: SequenceState, target: Standing): boolean {
  const distance = (BigInt(lastValue) - BigInt(target.lastValue)) * (increment.startsWith('-') ? -1n : 1n);
  if (cycles) return distance !== 0n || isCalled !== target.isCalled;
  return distance > 0n || (distance === 0n && isCalled && !target.isCalled);
}

function warnOfMissing({ warn }: SequencePlace, { schema, name, columns }: SequenceState): void {
  const [of] = columns;
  const whose = of === undefined ? '' : `, of column "${of.column}" of table ${of.schema}.${of.table},`;
  warn(
    `Sequence ${schema}.${name}${whose} is not synchronised: the target has none`,
    'Create it on the target as the source has it before the target is written to, and ask for the sequences again.',
  );
}

function refused(error: unknown, name: string): Error {
  const doing = `Cannot bring sequence ${name} forward on the target`;
  const told = postgresError(error, doing);
  if (!sqlState(error)?.startsWith('22')) return told;
  return new OperatorError(doing, {
    cause: told.cause,
    advice: 'Its range on the target is narrower than at the source: give it the same type, minvalue and maxvalue.',
  });
}
