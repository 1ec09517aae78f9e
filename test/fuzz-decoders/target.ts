import type { Random } from '../../src/torture/random.ts';
import { OperatorError, RecordError, TransientError } from '../../src/errors.ts';

/** A decoder that meets foreign bytes. */
export interface Target {
  /** As `--target` names it. */
  readonly name: string;
  /** Whose bytes it reads, for people. */
  readonly reads: string;
  /** Valid inputs, made by the real encoders. */
  readonly corpus: () => readonly Buffer[] | Promise<readonly Buffer[]>;
  /** Decodes the input, or refuses it by an error. */
  readonly run: (input: Buffer) => void | Promise<void>;
  /** JSON: half of the mutations change values in it. `prefix` bytes stand before the text. */
  readonly json?: { readonly prefix: number };
  /** A mutation that knows the format; a third of all. */
  readonly mutate?: (input: Buffer, random: Random) => Buffer;
  /** Makes checksums right, so that what stands behind them is reached; done to half of the mutated inputs. */
  readonly mend?: (input: Buffer) => Buffer;
  /**
   * `plain`: its errors are plain ones, which fail the task as a bug does: only the server's own protocol is read so, and nobody else writes it. Ours
   * otherwise.
   */
  readonly refusal?: 'plain';
  /** What it may take for an input of so many bytes, in bytes. */
  readonly mostBytes?: (size: number) => number;
}

/** Whether an error is one that says what is wrong with the input; everything else is a crash. */
export function isRefusal(error: unknown, refusal: 'plain' | undefined): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof TransientError || error instanceof RecordError || error instanceof OperatorError) return true;
  return refusal === 'plain' && error.constructor === Error && /^[A-Z]/.test(error.message);
}

/** What a decoder may take where its target says nothing else: tables and copies of the input, and what it takes to begin. */
export function usualBytes(size: number): number {
  return 24 * 1024 * 1024 + 1024 * size;
}
