import { readConnector } from '../../../src/connector/connector-file.ts';
import { parseConnectionUrl } from '../../../src/connector/connection-url.ts';
import { POSTGRES_QUERY_SOURCE } from '../../../src/connector/postgres-query-source.ts';
import { POSTGRES_SINK } from '../../../src/connector/postgres-sink.ts';
import { POSTGRES_TRIGGER_SOURCE } from '../../../src/connector/postgres-trigger-source.ts';
import { POSTGRES_WAL_SOURCE } from '../../../src/connector/postgres-wal-source.ts';
import { parseProperties } from '../../../src/connector/properties.ts';
import { maskConfig, parseConfig } from '../../../src/connector/parse-config.ts';
import { copySignalOf } from '../../../src/signal/copy-signal.ts';
import { readSignal } from '../../../src/signal/read-signal.ts';
import { parseJaas } from '../../../src/worker/jaas.ts';
import { connectorText } from '../../../src/worker/connectors/connector-text.ts';
import { rawSignal } from '../../../src/worker/signals/kafka-channel.ts';
import { WORKER_SETTINGS } from '../../../src/worker/worker-settings.ts';
import { type Target, usualBytes } from '../target.ts';

const CLASSES = [POSTGRES_WAL_SOURCE, POSTGRES_TRIGGER_SOURCE, POSTGRES_QUERY_SOURCE, POSTGRES_SINK] as const;

/** What references in settings may find. */
const ENVIRONMENT = { SHOP_SOURCE_HOST: 'db', X: 'x' };

const SOURCE = {
  'connector.class': 'PostgresWalSource',
  'database.hostname': 'db',
  'database.port': '5432',
  'database.user': 'u',
  'database.password': '${env:X}',
  'database.dbname': 'shop',
  'topic.prefix': 'shop',
  'table.include.list': 'public\\..*,"x"',
  'column.exclude.list': 'public\\.orders\\.(note|x{2,3})',
  'snapshot.mode': 'initial',
  'message.key.columns': 'public.orders:id',
};

const CONNECTORS: readonly unknown[] = [
  { name: 'shop-source', config: SOURCE },
  {
    name: 'outbox',
    config: {
      ...SOURCE,
      transforms: 'outbox',
      'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
      'transforms.outbox.table.fields.additional.placement': 'type:header:eventType,a:envelope',
      'transforms.outbox.route.topic.replacement': 'events.${routedByValue}',
    },
  },
  {
    name: 'sink',
    config: {
      'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
      'connection.url': 'jdbc:postgresql://db:5432/replica?sslmode=require',
      'connection.username': 'u',
      'connection.password': 'p',
      'topics.regex': 'shop\\.public\\..*',
      'topic.prefix': 'shop',
    },
  },
  { ...SOURCE, name: 'flat', 'connector.class': 'PostgresTriggerSource', 'poll.interval.ms': 1000 },
  { name: 'query', config: { ...SOURCE, 'connector.class': 'PostgresQuerySource', mode: 'incrementing' } },
];

export const CONFIG_TARGETS: readonly Target[] = [
  {
    name: 'connector-files',
    reads: 'connector files, as people write them and REST brings them',
    json: { prefix: 0 },
    corpus: () => CONNECTORS.map((each) => Buffer.from(JSON.stringify(each))),
    run: (input) => {
      const json = input.toString('utf8');
      const read = readConnector('a.json', json, ENVIRONMENT);
      connectorText({ name: 'a', config: { x: '1' } }, 'a.json', json);
      const raw = 'connector' in read ? read.connector.raw : read.raw;
      if (raw) for (const declaration of CLASSES) maskConfig(declaration, raw);
    },
  },
  {
    name: 'worker-files',
    reads: 'properties of the daemon, and what stands in them: JAAS entries, URLs',
    corpus: () => [
      Buffer.from(
        'bootstrap.servers=a:9092,b:9092\n# comment\nrest.port : 8083\nstate.dir \\\n  x\\u0041\ngroup.id=\\t\n',
      ),
      Buffer.from(
        'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="a" password="b\\"";\n',
      ),
      Buffer.from('url=postgres://u:p%40@db:5432/shop?sslmode=require&application_name=x\n'),
    ],
    run: (input) => {
      const properties = parseProperties(input.toString('utf8'));
      parseConfig(WORKER_SETTINGS, Object.fromEntries(properties), ENVIRONMENT);
      for (const value of properties.values()) {
        refusing(() => parseJaas(value));
        refusing(() => parseConnectionUrl(value));
      }
    },
  },
  {
    name: 'signals',
    reads: 'signals of a table, a topic or a file',
    json: { prefix: 0 },
    corpus: () =>
      [
        { id: 'a', type: 'execute-snapshot', data: { 'data-collections': ['public.orders'], type: 'incremental' } },
        {
          id: 'b',
          type: 'execute-snapshot',
          data: {
            'data-collections': ['public\\.(orders|lines)'],
            'additional-conditions': [{ 'data-collection': 'public.orders', filter: `id > 9 and note = 'a''b'` }],
          },
        },
        { id: 1, type: 'stop-snapshot', data: '{"data-collections": ["public.orders"], "type": "INCREMENTAL"}' },
        { id: 'd', type: 'log', data: { message: 'at {}' } },
        { id: 'e', type: 'pause-snapshot' },
      ].map((each) => Buffer.from(JSON.stringify(each))),
    run: (input) => {
      const { type, data } = rawSignal(input.toString('utf8'), 'file:1');
      const order = readSignal(type, data);
      if (order.kind === 'log' || order.kind === 'sync-sequences') return;
      copySignalOf('a', order, [
        { schema: 'public', name: 'orders' },
        { schema: 'public', name: 'lines' },
      ]);
    },
    mostBytes: (size) => 2 * usualBytes(size),
  },
];

/** Its refusals are no news. */
function refusing(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof TypeError || error instanceof RangeError) throw error;
  }
}
