import { type DestinationStream, pino } from 'pino';

/** Facts worth a line, in the past tense and lower case; never a row's value or a secret (Invariant 11). */
export interface Logger {
  debug(fact: string, fields?: LogFields): void;
  info(fact: string, fields?: LogFields): void;
  warn(fact: string, fields?: LogFields): void;
  error(fact: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A logger of JSON lines on standard output, or on `destination`. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string): object => ({ level: label }) },
  };
  const lines = destination ? pino(options, destination) : pino(options, pino.destination({ dest: 1, sync: true }));
  return {
    debug: (fact, fields = {}) => lines.debug(fields, fact),
    info: (fact, fields = {}) => lines.info(fields, fact),
    warn: (fact, fields = {}) => lines.warn(fields, fact),
    error: (fact, fields = {}) => lines.error(fields, fact),
  };
}
