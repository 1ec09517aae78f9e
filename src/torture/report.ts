import { MOMENTS, type Moment } from './moment.ts';
import { Recoveries, seconds } from './recoveries.ts';

/** What happened in a run, as it is told at its end. */
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
  /** Records and claims of a service that woke up when it was replaced. */
  strays = 0;
  /** How often each fault has hit, by kind and by what it struck; 0 for one that never met anything. */
  readonly faults: Map<string, Map<string, number>> = new Map();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  line(text: string): void {
    this.#print(text);
  }

  problem(what: string): void {
    this.problems.push(what);
    this.#print(`PROBLEM  ${what}`);
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
    const targets = this.faults.get(kind) ?? new Map<string, number>();
    this.faults.set(kind, targets.set(target, (targets.get(target) ?? 0) + (isHit ? 1 : 0)));
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
    for (const [kind, targets] of this.faults) {
      const counts = [...targets].map(([target, count]) => `${target} ${count}`);
      this.#print(`${kind}: ${counts.join('; ')}`);
    }
    for (const line of this.#recoveries.lines()) this.#print(line);
  }
}

function resumed(ms: number): string {
  return `first new row within ${seconds(ms)}`;
}
