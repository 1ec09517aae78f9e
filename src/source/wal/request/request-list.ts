import {
  type BegunCopy,
  type CopyRequests,
  type CopySignal,
  type CopyTarget,
  NO_REQUESTS,
  type RequestedCopy,
} from '../../../change/copy-request.ts';

/** A position below all others. */
const NOWHERE = '0000000000000000';

/** The copies that are asked for, and what signals make of them; pure. Every change makes a new state. */
export class RequestList {
  #state: CopyRequests = NO_REQUESTS;
  #onChange: () => void = () => {};

  get state(): CopyRequests {
    return this.#state;
  }

  /** Calls `listener`, and nobody else, after each change. */
  listen(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Takes over what the last checkpoint says, but for tables that are needed anew: changes of those were missed since. */
  restore({ isPaused, tables }: CopyRequests): void {
    const needed = this.#state.tables;
    const kept = tables.filter((known) => !needed.some((each) => isSameTable(each, known)));
    this.#set({ isPaused, tables: [...kept, ...needed] });
  }

  clear(): void {
    this.#set(NO_REQUESTS);
  }

  hear(signal: CopySignal): void {
    switch (signal.kind) {
      case 'execute':
        for (const target of signal.tables) this.#add({ ...target, id: signal.id, isBlocking: signal.isBlocking });
        break;
      case 'stop':
        this.#stop(signal.tables);
        break;
      case 'pause':
      case 'resume':
        this.#set({ ...this.#state, isPaused: signal.kind === 'pause' });
        break;
      default:
        signal satisfies never;
    }
  }

  /** A table that was not captured before, or not whole: from here on a replica has a part of it, until it is copied. */
  need(id: string, { schema, name }: CopyTarget, relationId: number): void {
    const others = this.#state.tables.filter((each) => each.begun?.relationId !== relationId);
    const copy: RequestedCopy = { schema, name, id, isBlocking: false, begun: unread(relationId), isNeeded: true };
    this.#set({ ...this.#state, tables: [...others, copy] });
  }

  /** These joined the capture without a row: the next start is not to take them for tables that were missed. */
  cover(relations: readonly number[]): void {
    const { covered = [] } = this.#state;
    const more = relations.filter((id) => !covered.includes(id));
    if (more.length > 0) this.#set({ ...this.#state, covered: [...covered, ...more] });
  }

  /** The copy that is next, or under way; undefined while there is none or all pause. */
  get head(): RequestedCopy | undefined {
    if (this.#state.isPaused) return undefined;
    return this.#state.tables.find(({ begun }) => begun?.isStopped !== true);
  }

  /** The copy that makes a part of this table, if one does. */
  of(relationId: number): RequestedCopy | undefined {
    return this.#state.tables.findLast(({ begun }) => begun?.relationId === relationId);
  }

  /** Says how far a copy is now; returns what it is from here on. One that is not listed any more is left alone. */
  put(copy: RequestedCopy, begun: BegunCopy): RequestedCopy {
    const next = { ...copy, begun };
    this.#set({ ...this.#state, tables: this.#state.tables.map((each) => (each === copy ? next : each)) });
    return next;
  }

  /** The copy is done, or cannot be made: with a whole one ends what was given up of its table before. */
  end(copy: RequestedCopy, isWhole: boolean): void {
    const isOver = (each: RequestedCopy): boolean =>
      each === copy || (isWhole && each.begun?.isStopped === true && isSameTable(each, copy));
    const { tables } = this.#state;
    const isCovered = isWhole && copy.isNeeded === true && copy.begun !== undefined;
    this.#set({
      ...this.#state,
      tables: tables.filter((each) => !isOver(each)),
    });
    if (isCovered) this.cover([(copy.begun as BegunCopy).relationId]);
  }

  /** Lets the others go first. */
  postpone(copy: RequestedCopy): void {
    const others = this.#state.tables.filter((each) => each !== copy);
    if (others.length < this.#state.tables.length) this.#set({ ...this.#state, tables: [...others, copy] });
  }

  #add(copy: RequestedCopy): void {
    const { tables } = this.#state;
    // One that waits does what this one asks for; of one that was begun, rows may have changed since.
    const isWaiting = tables.some((each) => isSame(each, copy) && (each.begun?.fingerprint ?? '') === '');
    if (!isWaiting) this.#set({ ...this.#state, tables: [...tables, copy] });
  }

  #stop(names: readonly string[]): void {
    const isMeant = ({ schema, name }: CopyTarget): boolean =>
      names.length === 0 || names.includes(`${schema}.${name}`);
    const tables = this.#state.tables.flatMap((copy): RequestedCopy[] => {
      const { begun, condition } = copy;
      if (!isMeant(copy)) return [copy];
      if (begun === undefined) return [];
      if (condition === undefined) return [{ ...copy, begun: { ...begun, isStopped: true } }];
      return [{ ...copy, begun: { ...begun, isRead: true } }]; // a replica keeps what it had: nothing is missing
    });
    this.#set({ ...this.#state, tables });
  }

  #set(state: CopyRequests): void {
    this.#state = state;
    this.#onChange();
  }
}

/** A copy of which no row was read. */
export function unread(relationId: number): BegunCopy {
  return { relationId, fingerprint: '', after: null, isRead: false, point: NOWHERE, rows: 0 };
}

function isSameTable(a: CopyTarget, b: CopyTarget): boolean {
  return a.schema === b.schema && a.name === b.name;
}

function isSame(a: RequestedCopy, b: RequestedCopy): boolean {
  const isStopped = a.begun?.isStopped === true || b.begun?.isStopped === true;
  return !isStopped && isSameTable(a, b) && a.condition === b.condition && a.isBlocking === b.isBlocking;
}
