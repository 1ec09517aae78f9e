import type { AnyConnectorClass } from './connector-class.ts';
import { CONNECTOR_CLASSES, namesOf } from './connector-classes.ts';
import { configSchema, type JsonSchema } from './json-schema.ts';

const DRAFT = 'http://json-schema.org/draft-07/schema#';
const EDITOR = { type: 'string', description: 'The schema that editors check this file with.' } as const;
const NAME = {
  type: 'string',
  pattern: '^[^\\s/]{1,100}$',
  description:
    "Name of the connector; that of its file when it is not said. Never change it: it names the connector's state.",
} as const;

/** The schema of connector files: Connect's `{name, config}`, and the config alone. */
export function connectorFileSchema(): JsonSchema {
  return {
    $schema: DRAFT,
    title: 'Rowcast connector',
    type: 'object',
    properties: { $schema: EDITOR, name: NAME },
    if: { properties: { config: { type: 'object' } }, required: ['config'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: {
      properties: {
        $schema: EDITOR,
        name: NAME,
        config: { $ref: '#/definitions/config' },
        tasks: { description: "Has no effect: part of Connect's answers." },
        type: { description: "Has no effect: part of Connect's answers." },
      },
      additionalProperties: false,
    },
    else: { $ref: '#/definitions/config' },
    definitions: {
      config: {
        type: 'object',
        properties: {
          'connector.class': { enum: CONNECTOR_CLASSES.flatMap(namesOf), description: 'Kind of connector.' },
        },
        required: ['connector.class'],
        allOf: CONNECTOR_CLASSES.map(whenNamed),
      },
      ...Object.fromEntries(CONNECTOR_CLASSES.map((each) => [each.name, classSchema(each)])),
    },
  };
}

/** The schema of one class: of its config, alone. */
export function classSchema(connector: AnyConnectorClass): JsonSchema {
  const extra = {
    $schema: EDITOR,
    name: NAME,
    'connector.class': { enum: namesOf(connector), description: 'Kind of connector.' },
  };
  return configSchema(connector, extra);
}

function whenNamed(connector: AnyConnectorClass): JsonSchema {
  return {
    if: { properties: { 'connector.class': { enum: namesOf(connector) } }, required: ['connector.class'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { $ref: `#/definitions/${connector.name}` },
  };
}

/** A schema as a file of its own. */
export function asDocument(title: string, schema: JsonSchema): JsonSchema {
  return { $schema: DRAFT, title, ...schema };
}
