import type { Environment } from '../connector/reference.ts';
import { findDaemon, isServing } from '../worker/daemon-file.ts';
import { readDaemon } from '../worker/operate/daemon-client.ts';
import { tailOnLog } from '../worker/tail/on-log.ts';
import type { TailAnswer } from '../worker/tail/tail.ts';
import { type OperatorFlags, operatorConfig } from './operator-options.ts';
import { stopSignal } from './stop-signal.ts';
import { recordLine } from './tail-lines.ts';

export interface TailOptions extends OperatorFlags {
  readonly from: string;
  readonly limit?: number;
  readonly follow: boolean;
  readonly json?: boolean;
}

const PAGE_RECORDS = 500;
const WAIT_MS = 5_000;

/** Asks for the next records: `from` as the REST API takes it. */
export type ReadPage = (from: string, limit: number, waitMs: number) => Promise<TailAnswer>;

/** Prints records until told to stop, until there were enough, or until the end; returns 0. Throws OperatorError when there is no such topic. */
export async function runTail(topic: string, options: TailOptions, env: Environment): Promise<number> {
  using stop = stopSignal();
  const config = operatorConfig(options, env);
  const daemon = await findDaemon(config.stateDir);
  const path = `/rowcast/v1/topics/${encodeURIComponent(topic)}/records`;
  const isThere = isServing(daemon) && (await readDaemon(daemon, config.rest, '/ready', stop.signal)) !== undefined;
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    if (!isThere) {
      await tailOnLog(config, topic, async (page) => await follow(page, options, print), stop.signal);
    } else {
      const page: ReadPage = async (from, limit, waitMs) => {
        const query = new URLSearchParams({ from, limit: String(limit), wait: String(waitMs) });
        const answer = await readDaemon(daemon, config.rest, `${path}?${query.toString()}`, stop.signal, {
          'x-rowcast-key': daemon.key,
        });
        if (answer === undefined) throw new Error(`The daemon at ${daemon.url} has just ended`);
        return answer as TailAnswer;
      };
      await follow(page, options, print);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error; // Ctrl-C is how following ends
  }
  return 0;
}

/** Reads page after page. */
export async function follow(
  page: ReadPage,
  { from, limit = Number.POSITIVE_INFINITY, follow: isEndless, json }: TailOptions,
  print: (line: string) => void,
): Promise<void> {
  let place = from;
  for (let left = limit; left > 0; ) {
    const answer = await page(place, Math.min(left, PAGE_RECORDS), isEndless ? WAIT_MS : 0);
    for (const record of answer.records) print(json === true ? JSON.stringify(record) : recordLine(record));
    left -= answer.records.length;
    place = Object.entries(answer.next)
      .map(([partition, offset]) => `${partition}:${offset}`)
      .join(',');
    if (!isEndless && answer.isAtEnd) return;
  }
}
