import { type Carried, writeKeptFile } from './kept-file.ts';
import { scopeOfCheckpoints } from '../protocol/topics.ts';
import type { StoredTopic } from './catalog.ts';
import type { LogFile } from './log-file.ts';
import type { OwnedDirectory } from './durable-file.ts';
import type { Releases } from './releases.ts';
import type { Segments } from './segments.ts';
import { failPoint } from '../../failpoint.ts';

/** A topic's first offset: what was trimmed or dropped lies below it. */
export function startOf({ topic, number, isKept }: StoredTopic, segments: Segments, releases: Releases): number {
  return Math.max(releases.trimmed(topic.name), isKept ? 0 : segments.start(number));
}

/** The checkpoints of every source, the longest scope first: `shop.eu.` before `shop.`. */
function sourcesOf(topics: readonly StoredTopic[]): { scope: string; topic: string; number: number }[] {
  const sources = topics.flatMap(({ number, topic: { name } }) => {
    const scope = scopeOfCheckpoints(name);
    return scope === undefined ? [] : [{ scope, topic: name, number }];
  });
  return sources.sort((a, b) => b.scope.length - a.scope.length);
}

/** Drops the oldest segments when nobody needs their records any more, carrying on what is kept of them. */
export class Retention {
  readonly #directory: OwnedDirectory;
  readonly #segments: Segments;
  readonly #releases: Releases;
  /** The state that was weighed last and found not worth copying. */
  #rejected = '';

  constructor(directory: OwnedDirectory, segments: Segments, releases: Releases) {
    this.#directory = directory;
    this.#segments = segments;
    this.#releases = releases;
  }

  /** `catalog` has the log's topics by name. */
  async run(catalog: ReadonlyMap<string, StoredTopic>): Promise<void> {
    if (this.#segments.sealed.length === 0) return;
    const topics = [...catalog.values()];
    const segments = this.#droppable(topics);
    const last = segments.at(-1);
    if (last === undefined) return;
    const sources = this.#segments.kept === undefined ? segments : [this.#segments.kept, ...segments];
    const carried = this.#carried(topics, last);
    const state = JSON.stringify([last.header.number, carried]);
    if (state === this.#rejected) return;
    if (!(await this.#isWorthIt(sources, carried))) {
      this.#rejected = state;
      return;
    }
    await this.#releases.save(this.#segments.mark);
    const kept = await writeKeptFile(this.#directory, last.header.number, this.#segments, sources, carried);
    failPoint('log.kept-written');
    await this.#segments.replaceBy(kept);
  }

  /** The oldest complete segments without a record of an ordinary topic that anybody needs. */
  #droppable(topics: readonly StoredTopic[]): readonly LogFile[] {
    const { sealed } = this.#segments;
    const sources = sourcesOf(topics);
    let count = 0;
    for (const file of sealed) {
      const ends = this.#segments.next(file).bases;
      const isNeeded = ({ number, isKept, topic: { name } }: StoredTopic): boolean => {
        const end = ends.get(number) ?? 0;
        if (isKept || file.base(number) >= end) return false;
        const source = sources.find(({ scope }) => name.startsWith(scope));
        // A sink that was killed says again what it has released of checkpoints, and of other topics only what it reads from then on.
        const behind = source && { ...source, offset: ends.get(source.number) ?? 0 };
        return !this.#releases.isReleased(name, end, behind);
      };
      if (topics.some(isNeeded)) break;
      count++;
    }
    return sealed.slice(0, count);
  }

  #carried(topics: readonly StoredTopic[], last: LogFile): Carried[] {
    const ends = this.#segments.next(last).bases;
    return topics
      .filter(({ isKept }) => isKept)
      .map((each) => ({
        topic: each.number,
        start: startOf(each, this.#segments, this.#releases),
        end: ends.get(each.number) ?? 0,
      }));
  }

  /** Copying pays when it frees half as much as it copies: so every byte is copied a few times only, however much is kept. */
  async #isWorthIt(sources: readonly LogFile[], carried: readonly Carried[]): Promise<boolean> {
    let [copied, stored] = [0, 0];
    for (const file of sources) {
      await file.use(this.#segments.next(file), async ({ handle, index }) => {
        stored += (await handle.stat()).size;
        for (const { topic, start } of carried) copied += index.topics.get(topic)?.bytesFrom(start) ?? 0;
      });
      this.#segments.touch(file);
    }
    return (stored - copied) * 2 >= copied;
  }
}
