import { describe, expect, test } from 'vitest';
import type { SourceConnector } from '../../src/connector/load-file.ts';
import { parseConnector } from '../support/connector.ts';

const ROUTER = 'io.debezium.transforms.outbox.EventRouter';
const BASE = {
  'connector.class': 'PostgresWalSource',
  'database.hostname': 'h',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'p',
};
const OUTBOX = { transforms: 'outbox', 'transforms.outbox.type': ROUTER };

function source(more: Readonly<Record<string, string>>): SourceConnector {
  return parseConnector('s.json', JSON.stringify({ ...BASE, ...more }), {}) as SourceConnector;
}

/** With options of the transform. */
function outbox(options: Readonly<Record<string, string>> = {}): SourceConnector {
  const named = Object.entries(options).map(([key, value]) => [`transforms.outbox.${key}`, value] as const);
  return source({ ...OUTBOX, ...Object.fromEntries(named) });
}

describe('the EventRouter of a file', () => {
  test("has Debezium's defaults, and the type of an event in a header", () => {
    expect(outbox().config.outbox).toEqual({
      tables: [],
      id: 'id',
      key: 'aggregateid',
      payload: 'payload',
      routeBy: 'aggregatetype',
      headers: [{ column: 'type', header: 'type', optional: true }],
      topicRegex: '(?<routedByValue>.*)',
      topicParts: [{ text: 'outbox.event.' }, { group: 'routedByValue' }],
      tombstoneOnEmpty: false,
      onInvalidOp: 'warn',
      onInvalidRow: 'fatal',
    });
    expect(source({}).config.outbox).toBeUndefined();
    expect(source({ transforms: '' }).config.outbox).toBeUndefined();
  });

  test('takes every option', () => {
    const { config, warnings } = outbox({
      'table.include.list': 'public.outbox,app\\.events_.*',
      'table.field.event.id': 'event_id',
      'table.field.event.key': 'aggregate_id',
      'table.field.event.type': 'event_type',
      'table.field.event.payload': 'body',
      'route.by.field': 'aggregate',
      'route.topic.regex': '(.*)-(?<kind>.+)',
      'route.topic.replacement': 'a\\$${kind}.$1',
      'route.tombstone.on.empty.payload': 'true',
      'table.fields.additional.placement': 'tenant:header, trace:header:traceparent',
      'table.fields.additional.error.on.missing': 'false',
      'table.op.invalid.behavior': 'FATAL',
      'table.row.invalid.behavior': 'warn',
    });
    expect(config.outbox).toEqual({
      tables: ['public.outbox', 'app\\.events_.*'],
      id: 'event_id',
      key: 'aggregate_id',
      payload: 'body',
      routeBy: 'aggregate',
      headers: [
        { column: 'event_type', header: 'type', optional: false },
        { column: 'tenant', header: 'tenant', optional: true },
        { column: 'trace', header: 'traceparent', optional: true },
      ],
      topicRegex: '(.*)-(?<kind>.+)',
      topicParts: [{ text: 'a' }, { text: '$' }, { group: 'kind' }, { text: '.' }, { group: 1 }],
      tombstoneOnEmpty: true,
      onInvalidOp: 'fatal',
      onInvalidRow: 'warn',
    });
    expect(warnings).toEqual([]);
  });

  test('places the type where the file says, and once', () => {
    const { config } = outbox({ 'table.fields.additional.placement': 'type:header:eventType' });
    expect(config.outbox?.headers).toEqual([{ column: 'type', header: 'eventType', optional: false }]);
  });

  test('warns about what has no effect or is not known', () => {
    expect(outbox({ 'table.expand.json.payload': 'true', 'tabel.field': 'x' }).warnings).toEqual([
      'transforms.outbox.table.expand.json.payload has no effect: a JSON payload is written as its text, which is JSON',
      'transforms.outbox.tabel.field is not a known option of the EventRouter',
    ]);
    expect(source({ 'transforms.outbox.type': ROUTER }).warnings).toEqual([
      'transforms.* has no effect: transforms names no transform',
    ]);
  });

  test.each([
    [{ 'route.topic.regex': '(' }, 'transforms.outbox.route.topic.regex is no regular expression'],
    [{ 'route.topic.replacement': '${other}' }, 'route.topic.replacement refers to the group other'],
    [{ 'route.topic.replacement': '$2' }, 'route.topic.replacement refers to group 2, and route.topic.regex has 1'],
    [{ 'route.topic.replacement': 'a$' }, 'route.topic.replacement has a $'],
    [{ 'table.field.event.id': '' }, 'transforms.outbox.table.field.event.id must not be empty'],
    [{ 'table.op.invalid.behavior': 'ignore' }, 'table.op.invalid.behavior must be one of: warn, error, fatal'],
    [{ 'table.include.list': '(' }, 'transforms.outbox.table.include.list has an invalid regular expression'],
    [{ 'table.fields.additional.placement': 'a:envelope' }, 'can place columns in headers only'],
    [{ 'table.fields.additional.placement': 'a:header:b:c' }, 'must be column:header'],
    [{ 'table.fields.additional.placement': 'a:header:rowcast.x' }, 'must not name a header that begins with rowcast'],
    [{ 'table.field.event.timestamp': 'at' }, 'transforms.outbox.table.field.event.timestamp is not supported'],
    [{ predicate: 'p' }, 'transforms.outbox.predicate is not supported: there are no predicates'],
  ])('refuses %o', (options, says) => {
    expect(() => outbox(options)).toThrow(says);
  });

  test('is the only transform', () => {
    const other = { transforms: 'a', 'transforms.a.type': 'x' };
    expect(() => source(other)).toThrow(
      `transforms is not supported but for an outbox: transforms.a.type must be ${ROUTER}`,
    );
    expect(() => source({ ...OUTBOX, transforms: 'outbox,more' })).toThrow('transforms is not supported but for one');
  });

  test('is of every kind of source', () => {
    for (const kind of ['PostgresTriggerSource', 'PostgresQuerySource']) {
      expect(source({ ...OUTBOX, 'connector.class': kind }).config.outbox?.id).toBe('id');
    }
  });

  test('lets the converters stay with which outboxes are usually read', () => {
    const text = 'org.apache.kafka.connect.storage.StringConverter';
    const plain = { 'key.converter': text, 'value.converter': 'io.debezium.converters.BinaryDataConverter' };
    expect(source({ ...OUTBOX, ...plain }).warnings).toEqual([]);
    expect(() => source(plain)).toThrow('value.converter is not supported: only events of an outbox');
    const avro = { 'value.converter': 'io.confluent.connect.avro.AvroConverter' };
    expect(source({ ...OUTBOX, ...avro }).warnings).toEqual([
      'value.converter has no effect on events of the outbox: they are texts and bytes as they are',
    ]);
    expect(() => source({ ...OUTBOX, 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' })).toThrow(
      'value.converter is not supported: records are written and read as Avro; leave this out',
    );
  });
});
