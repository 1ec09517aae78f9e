import { sinkConfig, sourceConfig } from '../workplace.ts';

/** A connector file that cannot be used, and what must be said about it: the object, and what to do. */
export interface BadFile {
  readonly state: string;
  readonly content: string | { readonly name?: string; readonly config: Readonly<Record<string, unknown>> };
  readonly says: RegExp;
}

const PLACE = { host: '127.0.0.1', port: 5432, user: 'rowcast', database: 'shop', sslmode: 'disable' } as const;

function source(
  name: string,
  more: Readonly<Record<string, string>>,
): { name: string; config: Record<string, string> } {
  return { name, config: { ...sourceConfig(PLACE, name), ...more } };
}

function sink(name: string, more: Readonly<Record<string, string>>): { name: string; config: Record<string, string> } {
  return { name, config: { ...sinkConfig(PLACE, name), ...more } };
}

function without(key: string, of: { name: string; config: Record<string, string> }): typeof of {
  const { [key]: _, ...config } = of.config;
  return { ...of, config };
}

/** Files by their names. */
export const BAD_FILES: Readonly<Record<string, BadFile>> = {
  'broken.json': { state: 'broken JSON', content: '{"name": "x", "config": {', says: /is not JSON/ },
  'comma.json': {
    state: 'a comma too many',
    content: '{"name": "x",}',
    says: /is not JSON.*line 1|is not JSON.*position/,
  },
  'empty.json': { state: 'an empty file', content: '', says: /is not JSON|is empty/ },
  'list.json': { state: 'a list instead of an object', content: '[]', says: /must hold an object/ },
  'nested.json': {
    state: 'a nested setting',
    content: { name: 'nested', config: { 'connector.class': 'PostgresSink', connection: { url: 'x' } } },
    says: /connection must be a text/,
  },
  'null.json': {
    state: 'a setting that is null',
    content: { name: 'null', config: { 'connector.class': 'PostgresSink', 'connection.url': null } },
    says: /connection\.url must be a text/,
  },
  'blank-name.json': {
    state: 'a name with blanks',
    content: { name: 'a b', config: {} },
    says: /name must have neither blanks/,
  },
  'no-class.json': {
    state: 'no connector.class',
    content: { name: 'no-class', config: {} },
    says: /connector\.class is required/,
  },
  'unknown-class.json': {
    state: 'an unknown connector.class',
    content: { name: 'unknown-class', config: { 'connector.class': 'PostgresWalSuorce' } },
    says: /PostgresWalSuorce is not known; did you mean PostgresWalSource/,
  },
  'mysql.json': {
    state: "another database's connector",
    content: { name: 'mysql', config: { 'connector.class': 'io.debezium.connector.mysql.MySqlConnector' } },
    says: /MySqlConnector is not known/,
  },
  'no-host.json': {
    state: 'a required setting is missing',
    content: without('database.hostname', source('no-host', {})),
    says: /database\.hostname is required/,
  },
  'no-prefix.json': {
    state: 'topic.prefix is missing',
    content: without('topic.prefix', source('no-prefix', {})),
    says: /topic\.prefix is required/,
  },
  'bad-port.json': {
    state: 'a port that is no number',
    content: source('bad-port', { 'database.port': 'five' }),
    says: /database\.port must be a whole number from 1 to 65535/,
  },
  'big-port.json': {
    state: 'a port out of range',
    content: source('big-port', { 'database.port': '99999' }),
    says: /database\.port must be a whole number from 1 to 65535/,
  },
  'bad-prefix.json': {
    state: 'an illegal topic.prefix',
    content: source('bad-prefix', { 'topic.prefix': 'my shop' }),
    says: /topic\.prefix must be letters, digits/,
  },
  'bad-slot.json': {
    state: 'an illegal slot name',
    content: source('bad-slot', { 'slot.name': 'My-Slot' }),
    says: /slot\.name must be lower-case letters/,
  },
  'bad-pattern.json': {
    state: 'a broken regular expression',
    content: source('bad-pattern', { 'table.include.list': 'public.(' }),
    says: /table\.include\.list has an invalid regular expression/,
  },
  'both-lists.json': {
    state: 'include and exclude list together',
    content: source('both-lists', { 'table.include.list': 'a.b', 'table.exclude.list': 'a.c' }),
    says: /table\.include\.list and table\.exclude\.list exclude each other/,
  },
  'bad-flag.json': {
    state: 'a boolean that is neither',
    content: source('bad-flag', { 'tombstones.on.delete': 'yes' }),
    says: /tombstones\.on\.delete must be true or false/,
  },
  'bad-choice.json': {
    state: 'a value that is no choice',
    content: source('bad-choice', { 'snapshot.mode': 'sometimes' }),
    says: /snapshot\.mode must be one of: initial/,
  },
  'foreseen.json': {
    state: 'a value of Debezium that is not supported',
    content: source('foreseen', { 'snapshot.mode': 'custom' }),
    says: /snapshot\.mode "custom" is not supported; supported: initial/,
  },
  'override.json': {
    state: 'a statement of a snapshot that is more than a condition',
    content: source('override', {
      'snapshot.select.statement.overrides': 'public.a',
      'snapshot.select.statement.overrides.public.a': 'select * from public.a where true; drop table a',
    }),
    says: /snapshot\.select\.statement\.overrides\.public\.a must not hold a semicolon/,
  },
  'jmx.json': {
    state: 'a channel of signals that is not there',
    content: source('jmx', { 'signal.enabled.channels': 'source,jmx' }),
    says: /signal\.enabled\.channels "jmx" is not supported: use REST/,
  },
  'masked-columns.json': {
    state: 'a setting whose effect would be missed',
    content: source('masked-columns', { 'column.mask.with.10.chars': 'public.a.b' }),
    says: /column\.mask\.with\.10\.chars is not supported: .*would travel in clear/,
  },
  'transforms.json': {
    state: 'a transform',
    content: source('transforms', { transforms: 'route', 'transforms.route.type': 'x' }),
    says: /transforms is not supported/,
  },
  'json-converter.json': {
    state: 'another converter',
    content: source('json-converter', { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' }),
    says: /value\.converter is not supported: records are written and read as Avro/,
  },
  'env-missing.json': {
    state: 'a reference to a missing variable',
    content: source('env-missing', { 'database.password': '${env:NOBODY_SET_THIS}' }),
    says: /database\.password refers to the environment variable NOBODY_SET_THIS, which is not set/,
  },
  'secret-file-missing.json': {
    state: 'a reference to a missing file',
    content: source('secret-file-missing', { 'database.password': '${file:nowhere.properties:password}' }),
    says: /database\.password refers to the file nowhere\.properties, which cannot be read/,
  },
  'dir-missing.json': {
    state: 'a reference to a missing directory',
    content: source('dir-missing', { 'database.password': '${dir:nowhere:password}' }),
    says: /database\.password refers to .*nowhere/,
  },
  'file-without-key.json': {
    state: 'a file reference without a key',
    content: source('file-without-key', { 'database.password': '${file:nowhere.properties}' }),
    says: /database\.password .*\$\{file:path:key\}/,
  },
  'bad-url.json': {
    state: 'a connection.url that is none',
    content: sink('bad-url', { 'connection.url': 'replica.example' }),
    says: /connection\.url must be/,
  },
  'mysql-url.json': {
    state: "another database's connection.url",
    content: sink('mysql-url', { 'connection.url': 'jdbc:mysql://127.0.0.1:3306/shop' }),
    says: /connection\.url must be/,
  },
  'no-user.json': {
    state: 'no user for the target',
    content: without('connection.username', sink('no-user', {})),
    says: /connection\.username is required/,
  },
  'debezium-sink.json': {
    state: "Debezium's JDBC sink without what a replica needs",
    content: sink('debezium-sink', { 'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector' }),
    says: /insert\.mode "insert" is not supported; supported: upsert/,
  },
  'no-deletes.json': {
    state: 'a replica without deletes',
    content: sink('no-deletes', { 'delete.enabled': 'false' }),
    says: /delete\.enabled must be true/,
  },
  'topics-twice.json': {
    state: 'topics and topics.regex together',
    content: sink('topics-twice', { topics: 'shop.public.a', 'topics.regex': 'shop.*' }),
    says: /topics and topics\.regex exclude each other/,
  },
  'no-source.json': {
    state: 'a sink that does not say which source',
    content: without('topic.prefix', sink('no-source', {})),
    says: /topic\.prefix is required: it says which source to replay/,
  },
  'dead-letters.json': {
    state: 'a dead-letter topic is asked for',
    content: sink('dead-letters', { 'errors.tolerance': 'all' }),
    says: /errors\.tolerance is not supported: there is no dead-letter topic yet/,
  },
  'zz-same-name.json': {
    state: 'two files with one name',
    content: source('good-source', {}),
    says: /already has the name "good-source"/,
  },
};

/** A link in the directory of connector files that cannot be followed, by its name. */
export interface BadLink {
  readonly state: string;
  readonly to: string;
  readonly says: RegExp;
}

/** A directory beside that of the connector files, which nobody but root may enter. */
export const CLOSED_DIRECTORY = 'closed';

/** Links by their names. Root may enter every directory, so for root one state less can be made. */
export const BAD_LINKS: Readonly<Record<string, BadLink>> = {
  'loop.json': { state: 'a link to itself', to: 'loop.json', says: /cannot be read: ELOOP/ },
  'endless.json': { state: 'a link to a name too long', to: 'x'.repeat(300), says: /cannot be read: ENAMETOOLONG/ },
  ...(process.getuid?.() === 0
    ? {}
    : {
        'closed.json': {
          state: 'a link into a closed directory',
          to: `../${CLOSED_DIRECTORY}/connector.json`,
          says: /cannot be read: EACCES/,
        },
      }),
};
