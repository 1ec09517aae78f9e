import { FAULT_KINDS, type FaultKind } from './faults/fault.ts';

/** A kind of fault that is asked for, and how often; undefined: as often as those that say nothing. */
export type FaultWish = readonly [kind: FaultKind, times: number | undefined];

/** Reads `zombie,cut=20,all`. Throws Error with what is wrong with it. */
export function parseFaults(list: string): readonly FaultWish[] {
  return list
    .split(',')
    .filter((item) => item !== '')
    .flatMap((item): readonly FaultWish[] => {
      const [name, count] = item.split('=') as [string, string | undefined];
      const times = count === undefined ? undefined : wholeNumber(count, 1);
      if (name === 'all') return FAULT_KINDS.map((kind) => [kind, times] as const);
      const kind = FAULT_KINDS.find((each) => each === name);
      if (kind === undefined) throw new Error(`There is no fault ${name}.`);
      return [[kind, times]];
    });
}

/** How often each kind of fault is to strike: `each` times where its wish has no number. A kind that is named again is meant anew. */
export function countFaults(wishes: readonly FaultWish[], each: number): ReadonlyMap<FaultKind, number> {
  return new Map(wishes.map(([kind, times]) => [kind, times ?? each]));
}

/** A whole number in so many parts of nearly the same size. */
export function divide(whole: number, parts: number): readonly number[] {
  return Array.from({ length: parts }, (_, i) => Math.floor((whole + i) / parts)).toReversed();
}

/** What each of so many rounds has of the faults; a kind that strikes less often is left out of some. */
export function divideFaults(
  faults: ReadonlyMap<FaultKind, number>,
  rounds: number,
): readonly ReadonlyMap<FaultKind, number>[] {
  const shares = [...faults].map(([kind, times]) => [kind, divide(times, rounds)] as const);
  return Array.from({ length: rounds }, (_, round) => {
    const own = shares.map(([kind, times]) => [kind, times[round] ?? 0] as const);
    return new Map(own.filter(([, times]) => times > 0));
  });
}

/** The number that a text is. Throws Error when it is none, or less than `least`. */
export function wholeNumber(text: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`It must be a whole number, at least ${least}.`);
}
