import { dataTopic } from '../log/protocol/topics.ts';
import { OperatorError } from '../errors.ts';
import type { Log } from '../log/log.ts';
import type { Progress, TopicFilter } from '../sink/sink.ts';
import { copyFollows } from './ledger.ts';
import { loadTableVersions } from './table-versions.ts';
import { compileTopicFilter, isSameFilter } from './topic-filter.ts';

/** With which filter a sink goes on, and with which one from the next first copy in the log on. */
export interface FilterPlan {
  readonly now: TopicFilter;
  readonly fromCopy: TopicFilter | undefined;
}

export interface FilterChangeOptions {
  readonly log: Log;
  /** The sink connector's name. */
  readonly name: string;
  readonly prefix: string;
  readonly filter: TopicFilter;
}

/**
 * Judges a filter that is not the one that the progress was applied with (S1): what it takes in must lie wholly ahead. A table that the
 * source has announced before is complete only from a first copy on; until that one, if there is one ahead, the filter stays what it was.
 * Throws OperatorError where there is none. Progress that does not say its filter was applied with the present one.
 */
export async function planFilter(
  { log, name, prefix, filter }: FilterChangeOptions,
  progress: Progress | undefined,
  signal: AbortSignal,
): Promise<FilterPlan> {
  const applied = progress?.filter;
  if (progress === undefined || applied === undefined || isSameFilter(applied, filter)) {
    return { now: filter, fromCopy: undefined };
  }
  const versions = await loadTableVersions(log, prefix, 0, signal);
  const announced = versions.announced(progress.number).map((table) => dataTopic(prefix, table.schema, table.name));
  const missed = missedTopics(announced, applied, filter);
  if (missed.length === 0) return { now: filter, fromCopy: undefined };
  if (await copyFollows(log, prefix, progress, signal)) return { now: applied, fromCopy: filter };
  throw widened(name, prefix, missed);
}

/** The topics that `after` accepts and `before` did not, each once, by name. */
export function missedTopics(topics: readonly string[], before: TopicFilter, after: TopicFilter): readonly string[] {
  const [had, has] = [compileTopicFilter(before), compileTopicFilter(after)];
  const missed = topics.filter((topic) => (has?.(topic) ?? true) && !(had?.(topic) ?? true));
  return [...new Set(missed)].toSorted();
}

function widened(name: string, prefix: string, missed: readonly string[]): OperatorError {
  return new OperatorError(
    `Topics of connector "${name}" now take in ${missed.join(', ')}, whose earlier rows were not replayed`,
    {
      advice:
        `Take ${missed.length === 1 ? 'it' : 'them'} out of topics or topics.regex again, or replay everything: \`rowcast offsets reset ${name}\` (a table that ` +
        'has rows which this connector did not write must be empty, or target.not.empty=truncate). Where the log has not everything any ' +
        `more: \`rowcast offsets reset\` with the name of the source of ${prefix}, and start this connector again.`,
    },
  );
}
