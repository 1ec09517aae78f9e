import { OperatorError } from '../errors.ts';
import { choice, flag, list, patterns, type Setting, text } from './setting.ts';
import { parseTemplate, type TemplatePart } from './topic-template.ts';

const INVALID = ['warn', 'error', 'fatal'] as const;

/** What an EventRouter is told; names and defaults are Debezium's. */
export interface EventRouterConfig {
  /** Which captured tables are outboxes: regular expressions for schema.table; empty: all. Rowcast's own. */
  readonly tables: readonly string[];
  readonly id: string;
  readonly key: string;
  readonly payload: string;
  readonly routeBy: string;
  readonly headers: readonly { readonly column: string; readonly header: string; readonly optional: boolean }[];
  readonly topicRegex: string;
  readonly topicParts: readonly TemplatePart[];
  readonly tombstoneOnEmpty: boolean;
  readonly onInvalidOp: (typeof INVALID)[number];
  readonly onInvalidRow: (typeof INVALID)[number];
}

/** The options as they are read one by one: those of the config that depend on nothing else, and what the others are made of. */
type Read = Omit<EventRouterConfig, 'headers' | 'topicParts'> & {
  readonly type: string | undefined;
  readonly placement: readonly string[];
  readonly errorOnMissing: boolean;
  readonly topicReplacement: string;
};

const spec = (value: string): { readonly doc: string; readonly group: string; readonly default: string } => ({
  doc: '',
  group: '',
  default: value,
});

const OPTIONS: { readonly [K in keyof Read]: Setting<Read[K]> } = {
  tables: patterns('table.include.list', spec('')),
  id: text('table.field.event.id', spec('id')),
  key: text('table.field.event.key', spec('aggregateid')),
  type: { ...text('table.field.event.type', { doc: '', group: '' }), required: false },
  payload: text('table.field.event.payload', spec('payload')),
  routeBy: text('route.by.field', spec('aggregatetype')),
  topicRegex: text('route.topic.regex', spec('(?<routedByValue>.*)')),
  topicReplacement: text('route.topic.replacement', spec('outbox.event.${routedByValue}')),
  tombstoneOnEmpty: flag('route.tombstone.on.empty.payload', spec('false')),
  placement: list('table.fields.additional.placement', spec('')),
  errorOnMissing: flag('table.fields.additional.error.on.missing', spec('true')),
  onInvalidOp: choice('table.op.invalid.behavior', INVALID, spec('warn')),
  onInvalidRow: choice('table.row.invalid.behavior', INVALID, spec('fatal')),
};

/** Options of Debezium that change nothing here, with the reason. */
const IGNORED: Readonly<Record<string, string>> = {
  'table.expand.json.payload': 'a JSON payload is written as its text, which is JSON',
  'table.json.payload.null.behavior': 'a JSON payload is written as its text, which is JSON',
  'table.field.event.schema.version': 'payloads are written as they are, without a schema',
};

/** Options of Debezium and Connect whose effect would be missed. */
const REFUSED: Readonly<Record<string, string>> = {
  'table.field.event.timestamp': 'records have the time at which they were written; place the column in a header',
  predicate: 'there are no predicates; say in table.include.list of the transform which tables are outboxes',
  negate: 'there are no predicates; say in table.include.list of the transform which tables are outboxes',
  'tracing.span.context.field': 'there is no tracing; place the column in a header',
  'tracing.operation.name': 'there is no tracing',
  'tracing.with.context.field.only': 'there is no tracing',
};

/**
 * Reads the options of an EventRouter, by their names behind the transform's; `prefix` is what stands before them in the file. Undefined when there
 * are problems. Neither problems nor warnings hold a value.
 */
export function readEventRouter(
  options: Readonly<Record<string, string>>,
  prefix: string,
  problems: string[],
  warnings: string[],
): EventRouterConfig | undefined {
  const before = problems.length;
  const attempt = <T>(key: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      problems.push(`${prefix}${key} ${error.message}`);
      return undefined;
    }
  };
  const entries = Object.entries(OPTIONS) as [keyof Read, Setting<unknown>][];
  const read = Object.fromEntries(
    entries.map(([member, { key, parse, default: otherwise }]) => {
      const given = Object.hasOwn(options, key) ? options[key]?.trim() : otherwise;
      return [member, given === undefined ? undefined : attempt(key, () => parse(given))];
    }),
  ) as unknown as Read;
  judgeOthers(options, prefix, problems, warnings);
  attempt('route.topic.regex', () => assertExpression(read.topicRegex));
  if (problems.length > before) return undefined;
  const { type, placement, errorOnMissing, topicReplacement, ...rest } = read;
  const headers = attempt('table.fields.additional.placement', () => placed(placement, errorOnMissing, type));
  const topicParts = attempt('route.topic.replacement', () => parseTemplate(topicReplacement, rest.topicRegex));
  return headers === undefined || topicParts === undefined ? undefined : { ...rest, headers, topicParts };
}

function assertExpression(expression: string | undefined): void {
  if (expression === undefined) return; // told already
  try {
    new RegExp(`^(?:${expression})$`, 'u');
  } catch (cause) {
    throw new OperatorError('is no regular expression', { cause });
  }
}

function judgeOthers(
  options: Readonly<Record<string, string>>,
  prefix: string,
  problems: string[],
  warnings: string[],
): void {
  const known = new Set(Object.values(OPTIONS).map(({ key }) => key));
  for (const key of Object.keys(options)) {
    if (known.has(key) || key === 'type') continue;
    if (Object.hasOwn(REFUSED, key)) problems.push(`${prefix}${key} is not supported: ${REFUSED[key]}`);
    else if (Object.hasOwn(IGNORED, key)) warnings.push(`${prefix}${key} has no effect: ${IGNORED[key]}`);
    else warnings.push(`${prefix}${key} is not a known option of the EventRouter`);
  }
}

/** The columns in headers: those that are placed there, and the event's type, which is there in any case. */
function placed(
  placement: readonly string[],
  isNeeded: boolean,
  type: string | undefined,
): EventRouterConfig['headers'] {
  const headers = placement.map((each) => {
    const [column = '', place = '', alias = column, ...more] = each.split(':').map((part) => part.trim());
    if (column === '' || alias === '' || more.length > 0) {
      throw new OperatorError('must be column:header or column:header:name, separated by commas');
    }
    if (place !== 'header') throw new OperatorError('can place columns in headers only: column:header:name');
    if (/^rowcast(\.|$)/.test(alias)) throw new OperatorError('must not name a header that begins with rowcast');
    return { column, header: alias, optional: !isNeeded };
  });
  const column = type ?? 'type';
  if (headers.some((each) => each.column === column)) return headers;
  return [{ column, header: 'type', optional: type === undefined }, ...headers];
}
