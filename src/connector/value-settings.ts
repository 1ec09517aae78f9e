import { OperatorError } from '../errors.ts';
import { choice, declare, integer, type Setting, type SettingsOf, type SettingSpec } from './setting.ts';

/** How a source writes values where Debezium leaves the choice. A replica is exact in all of them. */
export interface ValueSettings {
  readonly decimalHandling: 'precise' | 'double' | 'string';
  readonly timePrecision: (typeof TIME_PRECISIONS)[number];
  readonly intervalHandling: 'numeric' | 'string';
  readonly binaryHandling: 'bytes' | 'base64' | 'base64-url-safe' | 'hex';
  readonly hstoreHandling: 'json' | 'map';
  readonly moneyDigits: number;
  readonly schemaNames: NameAdjustment;
  readonly fieldNames: NameAdjustment;
  /** A text, or `hex:` and the digits of other bytes. */
  readonly placeholder: string;
}

/** `none` is Debezium's word for leaving names to the converter; an Avro schema has none but legal names. */
export type NameAdjustment = 'none' | 'avro' | 'avro_unicode';

const NAME_ADJUSTMENTS = ['avro', 'avro_unicode', 'none'] as const;

const TIME_PRECISIONS = [
  'adaptive',
  'adaptive_time_microseconds',
  'connect',
  'isostring',
  'microseconds',
  'nanoseconds',
] as const;

const GROUP = 'Values';

/** Debezium's settings of values, with its names; a default differs from Debezium's where a field can carry more. */
export const VALUE_SETTINGS: SettingsOf<ValueSettings> = {
  decimalHandling: choice('decimal.handling.mode', ['precise', 'double', 'string'], {
    group: GROUP,
    default: 'precise',
    doc: 'How numeric and money are written: precise: as decimals; double: as doubles, rounded; string: as texts. A replica is exact in any case.',
  }),
  timePrecision: choice('time.precision.mode', TIME_PRECISIONS, {
    group: GROUP,
    default: 'adaptive',
    foreseen: ['structured'],
    doc: "How date, time and timestamp are written: adaptive: milliseconds or microseconds, as the column has them; adaptive_time_microseconds: the same, times always in microseconds; connect: as Kafka Connect's own types, rounded to milliseconds; isostring: as ISO 8601 texts; microseconds, nanoseconds: in these.",
  }),
  intervalHandling: choice('interval.handling.mode', ['string', 'numeric'], {
    group: GROUP,
    default: 'string',
    doc: "How interval is written: string: P1Y2M3DT4H5M6.78S; numeric: microseconds, a month being 30.4375 days (Debezium's default).",
  }),
  binaryHandling: choice('binary.handling.mode', ['bytes', 'base64', 'base64-url-safe', 'hex'], {
    group: GROUP,
    default: 'bytes',
    doc: 'How bytea is written: as bytes, or as a text in one of these encodings.',
  }),
  hstoreHandling: choice('hstore.handling.mode', ['json', 'map'], {
    group: GROUP,
    default: 'json',
    doc: 'How hstore is written: as a JSON text, or as a map.',
  }),
  moneyDigits: integer('money.fraction.digits', 0, 18, {
    group: GROUP,
    importance: 'low',
    default: '2',
    doc: 'Digits behind the point of a money that is written as a decimal.',
  }),
  schemaNames: choice('schema.name.adjustment.mode', NAME_ADJUSTMENTS, naming('names of schemas')),
  fieldNames: choice('field.name.adjustment.mode', NAME_ADJUSTMENTS, naming('names of fields')),
  placeholder: placeholder('unavailable.value.placeholder', {
    group: GROUP,
    importance: 'low',
    default: '__debezium_unavailable_value',
    doc: 'What stands in a field whose value Postgres did not send because it did not change (TOAST); hex: and hexadecimal digits for other bytes. The header says so as well.',
  }),
};

function naming(what: string): SettingSpec {
  return {
    group: GROUP,
    importance: 'low',
    default: 'avro',
    doc: `What becomes of characters in ${what} that Avro does not allow: avro, none: an underscore; avro_unicode: _uXXXX, and underscores too.`,
  };
}

function placeholder(key: string, spec: SettingSpec): Setting<string> {
  return declare(key, 'STRING', spec, (value) => {
    if (!value.startsWith('hex:') || /^hex:(?:[0-9a-fA-F]{2})*$/.test(value)) return value;
    throw new OperatorError('must be a text, or hex: and pairs of hexadecimal digits');
  });
}

/** The bytes that `unavailable.value.placeholder` says. */
export function placeholderBytes(value: string): Buffer {
  return value.startsWith('hex:') ? Buffer.from(value.slice(4), 'hex') : Buffer.from(value);
}
