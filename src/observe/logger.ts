import { type DestinationStream, pino } from 'pino';
import { eventOf } from './events.ts';
import type { LogLevel } from './log-level.ts';
import { LogLevels } from './log-levels.ts';
import type { Redactor } from './redaction.ts';

export { LOG_LEVELS, type LogLevel } from './log-level.ts';

/** Facts worth a line, in the past tense and lower case; never a row's value or a secret (Invariant 11). */
export interface Logger {
  debug(fact: string, fields?: LogFields): void;
  info(fact: string, fields?: LogFields): void;
  warn(fact: string, fields?: LogFields): void;
  error(fact: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Names that a line is found by; they hold no secret, even where a password happens to be the same word. */
const NAMES: ReadonlySet<string> = new Set(['connector', 'daemon', 'event']);

/**
 * A logger of JSON lines on standard output, or on `destination`. `redactor` takes the secrets that it knows out of every fact and every
 * text among the fields, before they become JSON: the line stays whole; each has the name of its fact as `event` (`EVENTS`). `level` is the least important one that is written, or what says so.
 */
export function createLogger(
  level: LogLevel | LogLevels,
  destination?: DestinationStream,
  redactor?: Redactor,
): Logger {
  const levels = typeof level === 'string' ? new LogLevels(level) : level;
  const options = {
    level: 'debug', // what is left out is left out before it comes to that
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string): object => ({ level: label }) },
  };
  const lines = destination ? pino(options, destination) : pino(options, pino.destination({ dest: 1, sync: true }));
  const write = (of: LogLevel, fact: string, given: LogFields = {}): void => {
    if (!levels.isWritten(of, given.connector)) return;
    const event = eventOf(fact);
    const fields = event === undefined ? given : { event, ...given };
    if (redactor) lines[of](redactFields(fields, redactor), redactor.redact(fact));
    else lines[of](fields, fact);
  };
  return {
    debug: (fact, fields) => write('debug', fact, fields),
    info: (fact, fields) => write('info', fact, fields),
    warn: (fact, fields) => write('warn', fact, fields),
    error: (fact, fields) => write('error', fact, fields),
  };
}

function redactFields(fields: LogFields, redactor: Redactor): LogFields {
  const redacted: Record<string, string | number | boolean | undefined> = {};
  for (const [key, value] of Object.entries(fields)) {
    redacted[key] = typeof value === 'string' && !NAMES.has(key) ? redactor.redact(value) : value;
  }
  return redacted;
}
