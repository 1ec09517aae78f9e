import { LOG_LEVELS, type LogLevel } from './log-level.ts';

/** The name of the level that holds wherever nothing else is said. */
export const ROOT = 'root';

/** A level, and when somebody changed it (milliseconds since 1970). */
export interface LevelSaid {
  readonly level: LogLevel | 'off';
  readonly changedAt: number | undefined;
}

/**
 * Which lines are written, to be changed while the process runs: one level for all, and others for single connectors, whose loggers are
 * named `connector.<name>`.
 */
export class LogLevels {
  readonly #said = new Map<string, LevelSaid>();

  constructor(root: LogLevel) {
    this.#said.set(ROOT, { level: root, changedAt: undefined });
  }

  /** Every logger of which something was said, and the root. */
  get all(): ReadonlyMap<string, LevelSaid> {
    return this.#said;
  }

  /** What holds for this logger. */
  of(logger: string): LevelSaid {
    return this.#said.get(logger) ?? (this.#said.get(ROOT) as LevelSaid);
  }

  /** For the root it holds for every connector, whatever was said of single ones, as in Connect. Returns the loggers that it changed. */
  set(logger: string, level: LevelSaid['level'], at: number): readonly string[] {
    const changed = logger === ROOT ? [...this.#said.keys()] : [logger];
    for (const each of changed) this.#said.set(each, { level, changedAt: at });
    return changed.sort();
  }

  /** True for a line of this level about that connector, or about none. */
  isWritten(level: LogLevel, connector: unknown): boolean {
    const least = typeof connector === 'string' ? this.of(loggerOf(connector)).level : this.of(ROOT).level;
    return least !== 'off' && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
  }
}

/** The name of a connector's logger. */
export function loggerOf(connector: string): string {
  return `connector.${connector}`;
}
