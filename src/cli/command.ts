import { Command } from 'commander';
import type { Environment } from '../connector/reference.ts';

/** What every command is given: the process's environment, and how it says its exit code (0 when it says nothing). */
export interface CommandContext {
  readonly env: Environment;
  readonly exit: (code: number) => void;
}

/** A command that reports wrong usage by an exception, so that only main.ts ends the process. */
export function command(name: string, description: string): Command {
  return new Command(name).description(description).exitOverride();
}
