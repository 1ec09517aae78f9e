import type { AnyConnectorClass, AnyDeclaration } from '../connector/connector-class.ts';
import { CONNECTOR_CLASSES, connectorClass, namesOf } from '../connector/connector-classes.ts';
import { asDocument, classSchema, connectorFileSchema } from '../connector/file-schema.ts';
import { configSchema, type JsonSchema } from '../connector/json-schema.ts';
import { type PageText, referencePage } from '../connector/reference-page.ts';
import { WORKER_SETTINGS } from '../worker/worker-settings.ts';
import { OperatorError } from '../errors.ts';

/** What `rowcast config` can be asked about: a class of connectors, or the worker. */
export type Subject =
  | { readonly kind: 'connector'; readonly declaration: AnyConnectorClass; readonly alias: string }
  | { readonly kind: 'worker'; readonly declaration: AnyDeclaration; readonly alias: undefined };

/** The subject of this name, alias (with or without its package), or `worker`. Throws OperatorError that lists them. */
export function subjectNamed(name: string): Subject {
  if (name.toLowerCase() === WORKER_SETTINGS.name) return workerSubject();
  const declaration = connectorClass(name, true);
  if (declaration) {
    const alias = namesOf(declaration).find((each) => each === name || each.endsWith(`.${name}`)) ?? declaration.name;
    return { kind: 'connector', declaration, alias };
  }
  const known = [...CONNECTOR_CLASSES.flatMap(namesOf), WORKER_SETTINGS.name];
  throw new OperatorError(`There is no class ${name}`, { advice: `There are ${known.join(', ')}.` });
}

/** The worker's own settings. */
export function workerSubject(): Subject {
  return { kind: 'worker', declaration: WORKER_SETTINGS as AnyDeclaration, alias: undefined };
}

/** The JSON Schema of a subject alone. */
export function schemaOf(subject: Subject): JsonSchema {
  if (subject.kind === 'connector') return asDocument(subject.declaration.name, classSchema(subject.declaration));
  const $schema = { type: 'string', description: 'The schema that editors check this file with.' };
  return asDocument('Rowcast worker', configSchema(subject.declaration, { $schema }));
}

/** The reference page of a subject. */
export function pageOf({ kind, declaration }: Subject): string {
  return referencePage(declaration, kind === 'worker' ? WORKER_PAGE : CONNECTOR_PAGE);
}

/** Every file that `npm run docs` makes, by its path in the repository. */
export function referenceFiles(): Readonly<Record<string, string>> {
  const page = (name: string): string => pageOf(subjectNamed(name));
  return {
    'docs/settings/postgres-wal-source.md': page('PostgresWalSource'),
    'docs/settings/postgres-trigger-source.md': page('PostgresTriggerSource'),
    'docs/settings/postgres-query-source.md': page('PostgresQuerySource'),
    'docs/settings/postgres-sink.md': page('PostgresSink'),
    'docs/settings/worker.md': page('worker'),
    'schema/connector.schema.json': json(connectorFileSchema()),
    'schema/worker.schema.json': json(schemaOf(workerSubject())),
  };
}

/** A value as a JSON file has it. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

const REFERENCES =
  'A value may refer to what stands elsewhere: `${env:NAME}` is an environment variable, `${file:path:key}` a key of a properties file, `${dir:path:file}` what a file holds. Secrets (type PASSWORD) belong there; they are shown nowhere.';

const CONNECTOR_PAGE: PageText = {
  introduction: [
    'A connector is one JSON file, `{"name": …, "config": {…}}` or the config alone; all values are texts, and numbers and booleans are taken too. With `"$schema": "…/schema/connector.schema.json"` at its top, an editor completes and checks it. An unknown key is warned about, with the nearest known one.',
    REFERENCES,
  ],
};

const WORKER_PAGE: PageText = {
  introduction: [
    'The settings stand in a file (`rowcast start --config FILE`, a `.properties` file as Java has it or a flat `.json`), in environment variables, or on the command line, where the later wins. The variable of a setting is its key in capitals behind `ROWCAST_`: `bootstrap.servers` is `ROWCAST_BOOTSTRAP_SERVERS`. `rowcast start --help` lists the flags; there are none for secrets. A worker file of Kafka Connect loads as it is.',
    REFERENCES,
    'TLS files are PEM, as librdkafka and newer Java clients have them; the message about a Java key store says how to convert it.',
  ],
};
