import { OperatorError } from '../errors.ts';
import { declare, integer, optional, type SettingsOf, text } from './setting.ts';

/** By which ways an operator's signals reach a source. */
export type SignalChannel = (typeof CHANNELS)[number];

/** What a source is told of signals, setting by setting. */
export interface SignalSettings {
  readonly signalChannels: readonly SignalChannel[];
  /** `schema.table`. */
  readonly signalTable: string | undefined;
  readonly signalTopic: string | undefined;
  readonly signalPollTimeoutMs: number;
  readonly signalFile: string;
  readonly signalPollIntervalMs: number;
  readonly incrementalChunkRows: number;
}

const CHANNELS = ['source', 'kafka', 'file'] as const;
const GROUP = 'Signals';

/** The settings of signals; names and defaults are Debezium's. */
export const SIGNAL_SETTINGS: SettingsOf<SignalSettings> = {
  signalChannels: declare(
    'signal.enabled.channels',
    'LIST',
    {
      group: GROUP,
      default: 'source',
      doc: 'Ways by which signals are taken, separated by commas: source (rows of signal.data.collection), kafka (records of signal.kafka.topic), file (lines of signal.file). REST always is one.',
    },
    (value) => value.split(',').flatMap((part) => channelOf(part.trim())),
  ),
  signalTable: optional(
    text('signal.data.collection', {
      group: GROUP,
      pattern: /^[^.\0]{1,63}\.[^.\0]{1,63}$/,
      rule: 'a table as schema.table',
      doc: 'Table whose new rows are signals, as schema.table, with columns id, type and data. Joins the publication; its rows are not sent unless the table lists have it.',
    }),
  ),
  signalTopic: optional(
    text('signal.kafka.topic', {
      group: GROUP,
      pattern: /^[A-Za-z0-9._-]{1,249}$/,
      rule: 'a name of a topic',
      doc: 'Topic whose records are signals: key topic.prefix, value {"id", "type", "data"}; only its first partition is read. Default: <topic.prefix>-signal.',
    }),
  ),
  signalPollTimeoutMs: integer('signal.kafka.poll.timeout.ms', 1, 60_000, {
    group: GROUP,
    importance: 'low',
    default: '100',
    doc: 'How long one request of the signal topic waits at the brokers.',
  }),
  signalFile: text('signal.file', {
    group: GROUP,
    default: 'file-signals.txt',
    doc: 'File whose lines are signals, one JSON object each; those that are carried out are taken out of it. A relative name is one below the folder that the daemon was started in.',
  }),
  signalPollIntervalMs: integer('signal.poll.interval.ms', 10, 86_400_000, {
    group: GROUP,
    importance: 'low',
    default: '5000',
    doc: 'How often the signal topic and the signal file are looked at.',
  }),
  incrementalChunkRows: integer('incremental.snapshot.chunk.size', 1, 1_000_000, {
    group: GROUP,
    importance: 'low',
    default: '1024',
    doc: 'Rows of a table that are read at once when it is copied while streaming; more while they are small (about 4 MB), fewer when they are large.',
  }),
};

function channelOf(name: string): readonly SignalChannel[] {
  const found = CHANNELS.find((each) => each === name.toLowerCase());
  if (found !== undefined) return [found];
  if (name === '') return [];
  if (name.toLowerCase() === 'jmx')
    throw new OperatorError('"jmx" is not supported: use REST, POST /connectors/{name}/snapshot');
  throw new OperatorError(`must be some of: ${CHANNELS.join(', ')}`);
}
