/** How values are written where Debezium leaves the choice, by its names; none of them changes what a replica gets. */
export interface FieldModes {
  /** `decimal.handling.mode`: numeric and money. */
  readonly decimal: 'precise' | 'double' | 'string';
  /** `time.precision.mode`: date, time and timestamp. */
  readonly time: TimePrecision;
  /** `interval.handling.mode`. */
  readonly interval: 'numeric' | 'string';
  /** `binary.handling.mode`: bytea. */
  readonly binary: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  /** `hstore.handling.mode`. */
  readonly hstore: 'json' | 'map';
  /** `money.fraction.digits`: digits behind the point. */
  readonly moneyDigits: number;
  /** `field.name.adjustment.mode`: names of fields. */
  readonly fieldNames: NameAdjustment;
  /** `schema.name.adjustment.mode`: names of records and their namespaces. */
  readonly schemaNames: NameAdjustment;
  /** `unavailable.value.placeholder`: what stands for a value that was not sent. */
  readonly placeholder: Buffer;
}

/** What becomes of characters that Avro does not allow in names: `_`, or `_uXXXX` (and then of `_` too). */
export type NameAdjustment = 'avro' | 'avro_unicode';

export type TimePrecision =
  | 'adaptive'
  | 'adaptive_time_microseconds'
  | 'connect'
  | 'isostring'
  | 'microseconds'
  | 'nanoseconds';

/** What Debezium writes for a TOAST value that was not sent, where the type is a string or bytes. */
export const PLACEHOLDER = '__debezium_unavailable_value';

/** The modes in which fields carry the most. */
export const DEFAULT_MODES: FieldModes = {
  decimal: 'precise',
  time: 'adaptive',
  interval: 'string',
  binary: 'bytes',
  hstore: 'json',
  moneyDigits: 2,
  fieldNames: 'avro',
  schemaNames: 'avro',
  placeholder: Buffer.from(PLACEHOLDER),
};
