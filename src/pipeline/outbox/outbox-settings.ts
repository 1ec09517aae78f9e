/** What is done about a row that cannot be an event: it is left out, and told of as a warning or as an error; or the source stops. */
export type OnInvalid = 'warn' | 'error' | 'fatal';

/** A part of a topic's name: a text, or what a group of the route's expression has matched. */
export type TopicPart = { readonly text: string } | { readonly group: string | number };

/** A column that travels in a header of this name; a table that lacks an `optional` one has events without it. */
export interface PlacedColumn {
  readonly column: string;
  readonly header: string;
  readonly optional: boolean;
}

/** How rows of outbox tables become events. */
export interface OutboxSettings {
  /** Which tables are outboxes: their rows are events, and no replica has them. */
  readonly isOutbox: (table: { readonly schema: string; readonly name: string }) => boolean;
  /** Names of columns. */
  readonly id: string;
  readonly key: string;
  readonly payload: string;
  readonly routeBy: string;
  /** Further columns in headers, besides the id. */
  readonly headers: readonly PlacedColumn[];
  /** Matches the whole value of `routeBy`; the topic is made of its groups. */
  readonly topicRegex: string;
  readonly topicParts: readonly TopicPart[];
  /** Topics that no event may be written to, besides those of Rowcast and of tables. */
  readonly reserved: readonly string[];
  /** An empty payload is a record without value, like a NULL one. */
  readonly tombstoneOnEmpty: boolean;
  /** About updates. */
  readonly onInvalidOp: OnInvalid;
  /** About rows that no topic can be found for. */
  readonly onInvalidRow: OnInvalid;
}

/** Hears of rows that were left out. */
export type TellLeftOut = (level: 'warn' | 'error', message: string, advice: string) => void;
