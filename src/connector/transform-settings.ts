import { OperatorError } from '../errors.ts';
import { type EventRouterConfig, readEventRouter } from './event-router-options.ts';
import { declare, list, optional, remaining, type Setting, type SettingsOf, type SettingSpec } from './setting.ts';

/** What a file says of transforms, and of the converters that are used with them. */
export interface TransformSettings {
  /** Names of transforms. */
  readonly transforms: readonly string[];
  /** Everything below `transforms.`, by the rest of its key. */
  readonly transformOptions: Readonly<Record<string, string>>;
  readonly keyConverter: ConverterKind | undefined;
  readonly valueConverter: ConverterKind | undefined;
}

/** `plain`: texts and bytes as they are. */
type ConverterKind = 'avro' | 'plain';

const EVENT_ROUTER = 'io.debezium.transforms.outbox.EventRouter';

const CONVERTERS: Readonly<Record<string, ConverterKind>> = {
  'io.confluent.connect.avro.AvroConverter': 'avro',
  'org.apache.kafka.connect.storage.StringConverter': 'plain',
  'org.apache.kafka.connect.converters.ByteArrayConverter': 'plain',
  'io.debezium.converters.BinaryDataConverter': 'plain',
  'io.debezium.converters.ByteBufferConverter': 'plain',
};

/** The classes of converters that a file may name. */
export const CONVERTER_CLASSES: readonly string[] = Object.keys(CONVERTERS);

/** The classes of transforms that a file may name. */
export const TRANSFORM_CLASSES: readonly string[] = [EVENT_ROUTER];

const GROUP = 'Outbox';

/** Transforms and converters, by Connect's names. */
export const TRANSFORM_SETTINGS: SettingsOf<TransformSettings> = {
  transforms: names('transforms', {
    group: GROUP,
    doc: `Name of the one transform there is, Debezium's EventRouter (${EVENT_ROUTER}): rows of outbox tables become events of their own topics.`,
  }),
  transformOptions: remaining('transforms.', {
    group: GROUP,
    doc: "The transform's class and options, by Debezium's names: transforms.outbox.type, transforms.outbox.route.by.field and so on (docs/outbox.md).",
  }),
  keyConverter: converter('key.converter'),
  valueConverter: converter('value.converter'),
};

/** A secret that stands here by mistake is no list of names, and so is never shown. */
function names(key: string, spec: SettingSpec): Setting<readonly string[]> {
  const { parse, ...setting } = list(key, spec);
  return {
    ...setting,
    parse: (value) => {
      const found = parse(value);
      if (found.every((name) => /^[A-Za-z0-9_-]{1,50}$/.test(name))) return found;
      throw new OperatorError('must be a name of letters, digits, _ and -');
    },
  };
}

function converter(key: string): Setting<ConverterKind | undefined> {
  const spec = {
    group: GROUP,
    importance: 'low',
    doc: 'Accepted for compatibility: records of tables are Avro, and events of outboxes are texts and bytes as they are, whatever this says.',
  } as const;
  const setting = declare(key, 'CLASS', spec, (value): ConverterKind => {
    const kind = Object.hasOwn(CONVERTERS, value) ? CONVERTERS[value] : undefined;
    if (kind !== undefined) return kind;
    throw new OperatorError('is not supported: records are written and read as Avro; leave this out');
  });
  return optional({ ...setting, choices: Object.keys(CONVERTERS) });
}

/** The EventRouter that the settings ask for; undefined when they ask for none, or there are problems. */
export function completeOutbox(
  settings: TransformSettings,
  problems: string[],
  warnings: string[],
): EventRouterConfig | undefined {
  const [name, ...others] = settings.transforms;
  judgeConverters(settings, name !== undefined, problems, warnings);
  if (name === undefined) {
    if (Object.keys(settings.transformOptions).length > 0) {
      warnings.push('transforms.* has no effect: transforms names no transform');
    }
    return undefined;
  }
  if (others.length > 0) {
    problems.push('transforms is not supported but for one EventRouter: give one name');
    return undefined;
  }
  const prefix = `${name}.`;
  const entries = Object.entries(settings.transformOptions);
  const options = Object.fromEntries(
    entries.flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [])),
  );
  if (options.type?.trim() !== EVENT_ROUTER) {
    problems.push(`transforms is not supported but for an outbox: transforms.${name}.type must be ${EVENT_ROUTER}`);
    return undefined;
  }
  return readEventRouter(options, `transforms.${name}.`, problems, warnings);
}

function judgeConverters(
  { keyConverter, valueConverter }: TransformSettings,
  hasOutbox: boolean,
  problems: string[],
  warnings: string[],
): void {
  for (const [key, kind] of [
    ['key.converter', keyConverter],
    ['value.converter', valueConverter],
  ] as const) {
    if (kind === 'plain' && !hasOutbox) {
      problems.push(`${key} is not supported: only events of an outbox are written as they are; leave this out`);
    }
    if (kind === 'avro' && hasOutbox) {
      warnings.push(`${key} has no effect on events of the outbox: they are texts and bytes as they are`);
    }
  }
}
