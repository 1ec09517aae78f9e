import type { Clock } from '../../clock.ts';
import type { ConnectorFile } from '../../connector/load-file.ts';
import { nearest } from '../../connector/nearest.ts';
import { OperatorError } from '../../errors.ts';
import type { Log } from '../../log/log.ts';

/** What an operator's request works with. */
export interface OperateContext {
  /** Publishes in turn with whoever else uses it. */
  readonly log: Log;
  /** What the embedded log is told of a reader that is gone for good; undefined where the log has no such list (Kafka). */
  readonly forget: ((reader: string, signal: AbortSignal) => Promise<void>) | undefined;
  /** Who holds something back in the embedded log; empty for Kafka. */
  readonly readers: readonly string[];
  /** Every connector that has a valid file. */
  readonly connectors: readonly ConnectorFile[];
  readonly clock: Clock;
}

/** What else is known of where a source stands. */
export interface SourceFacts {
  /** The daemon that wrote the log's last checkpoint. */
  readonly owner: string | null;
  /** Why the source cannot go on where the log ends, and what mends it. */
  readonly problem: { readonly message: string; readonly fix: string } | null;
  /** Why the server could not be looked at. */
  readonly unknown?: string;
}

/** Where one connector stands, in Kafka Connect's shape, and in our own words. */
export interface ConnectorOffsets {
  readonly offsets: readonly {
    readonly partition: Readonly<Record<string, unknown>>;
    readonly offset: Readonly<Record<string, unknown>>;
  }[];
  /** For a person, indented below the connector's name. */
  readonly lines: readonly string[];
  /** What Connect has no words for, for a program. */
  readonly more?: SourceFacts;
}

/** The connector of this name. Throws OperatorError that names those there are. */
export function connectorOf({ connectors }: Pick<OperateContext, 'connectors'>, name: string): ConnectorFile {
  const found = connectors.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw noConnector(
    connectors.map((each) => each.name),
    name,
  );
}

/** Says which connectors there are instead, the nearest name first. */
export function noConnector(names: readonly string[], name: string): OperatorError {
  const guess = nearest(name, names);
  const hint = guess === undefined ? '' : `Did you mean ${guess}? `;
  return new OperatorError(`There is no connector "${name}"`, {
    advice:
      names.length === 0
        ? 'No connector file is valid.'
        : `${hint}There are: ${names.join(', ')}. A deleted file must be put back first.`,
  });
}
