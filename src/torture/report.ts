import { MOMENTS, type Moment } from './moment.ts';
import { Recoveries, seconds } from './recoveries.ts';

/** What happened in a round, or in several of them, as it is told at the end. */
export class Report {
  readonly #print: (line: string) => void;
  readonly moments: Map<Moment, number> = new Map(MOMENTS.map((moment) => [moment, 0]));
  /** How often each fail point was reached. */
  readonly points: Map<string, number> = new Map();
  readonly #recoveries = new Recoveries();
  /** What must not have happened, besides lost, duplicated and torn transactions. */
  readonly problems: string[] = [];
  kills = 0;
  extraKills = 0;
  restarts = 0;
  lost = 0;
  duplicated = 0;
  torn = 0;
  /** Records and claims of a service that woke up when it was replaced. */
  strays = 0;
  /** How often each fault has hit, by kind and by what it struck; 0 for one that never met anything. */
  readonly faults: Map<string, Map<string, number>> = new Map();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get isClean(): boolean {
    return this.lost + this.duplicated + this.torn + this.problems.length === 0;
  }

  /** Counts what another one has seen besides. */
  add(other: Report): void {
    addCounts(this.moments, other.moments);
    addCounts(this.points, other.points);
    for (const [kind, targets] of other.faults) addCounts(entryOf(this.faults, kind), targets);
    this.#recoveries.addAll(other.#recoveries);
    this.problems.push(...other.problems);
    this.kills += other.kills;
    this.extraKills += other.extraKills;
    this.restarts += other.restarts;
    this.strays += other.strays;
    this.lost += other.lost;
    this.duplicated += other.duplicated;
    this.torn += other.torn;
  }

  line(text: string): void {
    this.#print(text);
  }

  problem(what: string): void {
    this.problems.push(what);
    this.#print(`PROBLEM  ${what}`);
  }

  /** The campaign has ended by this. */
  failed(why: string): void {
    this.problems.push(why);
    this.#print(`FAILED  ${why}`);
  }

  /** One kill, when it is known how it went on. */
  kill(number: number, how: string, moment: Moment, resumedMs: number | undefined): void {
    const after = resumedMs === undefined ? 'killed again before anything new was applied' : resumed(resumedMs);
    this.#print(`${String(number).padStart(3)}  ${how.padEnd(42)} ${moment.padEnd(38)} ${after}`);
    if (resumedMs !== undefined) this.#recoveries.add('a start behind a kill', resumedMs);
  }

  restart(what: string, downMs: number, resumedMs: number): void {
    this.restarts++;
    this.#recoveries.add(`a restart of the ${what}`, resumedMs);
    this.#print(
      `  -  ${`restart of the ${what}`.padEnd(42)} ${`down for ${seconds(downMs)}`.padEnd(38)} ${resumed(resumedMs)} of its return`,
    );
  }

  /** How long it took until something new was applied, though a fault was not over yet. */
  wentOn(after: string, ms: number): void {
    this.#recoveries.add(after, ms);
  }

  /** A fault, when it is known how it went on. */
  fault(kind: string, target: string, isHit: boolean, downMs: number, resumedMs: number): void {
    addCounts(entryOf(this.faults, kind), new Map([[target, isHit ? 1 : 0]]));
    const how = kind.includes(target) || target === 'daemon' ? kind : `${kind}: ${target}`;
    if (isHit) this.#recoveries.add(how, resumedMs);
    const what = isHit ? `took ${seconds(downMs)}` : 'met nothing';
    this.#print(`  *  ${how.padEnd(42)} ${what.padEnd(38)} ${resumed(resumedMs)} of its end`);
  }

  /** Faults that have hit. */
  get hits(): number {
    return [...this.faults.values()].flatMap((targets) => [...targets.values()]).reduce((sum, count) => sum + count, 0);
  }

  histogram(): void {
    this.#print('');
    for (const [moment, count] of this.moments) this.#print(`${String(count).padStart(5)}  ${moment}`);
    const points = [...this.points].map(([point, count]) => `${point} ${count}`);
    this.#print(`fail points: ${points.join(', ')}`);
    const least = Math.min(...this.points.values());
    if (this.points.size > 0) this.#print(`${this.points.size} fail points were reached, each ${least} times or more`);
    for (const [kind, targets] of this.faults) {
      const counts = [...targets].map(([target, count]) => `${target} ${count}`);
      this.#print(`${kind}: ${counts.join('; ')}`);
    }
    for (const line of this.#recoveries.lines()) this.#print(line);
  }

  /** What a reader looks for, of so many rounds; the last line. */
  verdict(rounds: number): void {
    const { kills, hits, faults, lost, duplicated, torn } = this;
    const among = rounds === 1 ? '' : ` in ${rounds} rounds`;
    const hit = faults.size === 0 ? '' : ` ${hits} faults of ${faults.size} kinds,`;
    if (faults.has('zombie')) this.#print(`${this.strays} stray writes of services that woke up`);
    this.#print(`${kills} kills${among},${hit} ${lost} lost, ${duplicated} duplicated, ${torn} torn`);
  }
}

function addCounts<K>(counts: Map<K, number>, more: ReadonlyMap<K, number>): void {
  for (const [key, count] of more) counts.set(key, (counts.get(key) ?? 0) + count);
}

function entryOf(map: Map<string, Map<string, number>>, key: string): Map<string, number> {
  const known = map.get(key) ?? new Map<string, number>();
  map.set(key, known);
  return known;
}

function resumed(ms: number): string {
  return `first new row within ${seconds(ms)}`;
}
