const text = { type: 'string' } as const;
const number = { type: 'integer' } as const;
const texts = { type: 'array', items: text } as const;
const state = { enum: ['UNASSIGNED', 'RUNNING', 'PAUSED', 'RESTARTING', 'FAILED', 'STOPPED'] } as const;
const type = { enum: ['source', 'sink', 'unknown'] } as const;

function object(properties: object, required: readonly string[] = Object.keys(properties)): object {
  return { type: 'object', properties, ...(required.length > 0 && { required }) };
}

function list(items: object): object {
  return { type: 'array', items };
}

function byName(of: object): object {
  return { type: 'object', additionalProperties: of };
}

function ref(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

const stateInfo = { state, worker_id: text, version: text, trace: text };
const stateMembers = ['state', 'worker_id', 'version'];

/** What bodies look like, by name. Members of ours that Connect does not have stand below `rowcast`. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  Error: object({ error_code: number, message: text, advice: text }, ['error_code', 'message']),
  Any: { description: 'Any JSON value.' },
  Message: object({ message: text }),
  Server: object({ version: text, commit: text, kafka_cluster_id: text, rowcast: object({ version: text }) }),
  Health: object({ status: text, message: text, connectors: list({ type: 'object' }) }, ['status', 'message']),
  Texts: texts,
  Config: { ...byName({ type: ['string', 'null'] }), description: 'Settings as texts. Secrets are shown as ********.' },
  CreateConnector: object(
    { name: text, config: ref('Config'), initial_state: { enum: ['RUNNING', 'PAUSED', 'STOPPED'] } },
    ['name', 'config'],
  ),
  ConnectorInfo: object(
    {
      name: text,
      config: ref('Config'),
      type,
      tasks: list(object({ connector: text, task: number })),
      rowcast: object({ file: text, problems: texts, warnings: texts }),
    },
    ['name', 'config', 'tasks', 'type'],
  ),
  ConnectorState: object(
    {
      name: text,
      type,
      connector: object(stateInfo, stateMembers),
      tasks: list(ref('TaskState')),
      rowcast: { type: 'object' },
    },
    ['name', 'connector', 'tasks', 'type'],
  ),
  TaskState: object({ id: number, ...stateInfo }, ['id', ...stateMembers]),
  Tasks: list(object({ id: object({ connector: text, task: number }), config: ref('Config') })),
  ConfigsByTask: byName(ref('Config')),
  Topics: byName(object({ topics: texts })),
  Offsets: object({ offsets: list(object({ partition: { type: 'object' }, offset: { type: ['object', 'null'] } })) }),
  Plugins: list(object({ class: text, type: text, version: text })),
  ConfigKeys: list(ref('ConfigKey')),
  ConfigKey: object({
    name: text,
    type: text,
    required: { type: 'boolean' },
    default_value: { type: ['string', 'null'] },
    importance: text,
    documentation: text,
    group: text,
    width: text,
    display_name: text,
    dependents: texts,
    order: number,
  }),
  ConfigInfos: object({
    name: text,
    error_count: number,
    groups: texts,
    configs: list(
      object({
        definition: ref('ConfigKey'),
        value: object({
          name: text,
          value: { type: ['string', 'null'] },
          recommended_values: texts,
          errors: texts,
          visible: { type: 'boolean' },
        }),
      }),
    ),
    rowcast: object({ warnings: texts }),
  }),
  Logger: object({ level: text, last_modified: { type: ['integer', 'null'] } }),
  Loggers: byName(ref('Logger')),
  Level: object({ level: { enum: ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF'] } }),
  SnapshotSignal: object(
    { type: text, 'data-collections': texts, 'additional-conditions': list({ type: 'object' }) },
    [],
  ),
  SignalTaken: object({ connector: text, id: text, type: text }),
  OperatorRequest: object({ kind: { enum: ['offsets', 'accept', 'reset', 'signal', 'delete'] }, connector: text }, [
    'kind',
  ]),
  OperatorAnswer: object({ lines: texts, value: {} }),
  Schema: object({ schema: text, schemaType: text }, ['schema']),
  Compatibility: object({ compatibility: text }),
};
