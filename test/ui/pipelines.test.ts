import { expect, test } from 'vitest';
import type { Connector, Connectors } from '../../src/ui/answers.ts';
import { pipelinesOf } from '../../src/ui/pipelines.ts';

function connector(name: string, type: Connector['info']['type'], config: Record<string, string>): Connectors {
  const rowcast = { file: `${name}.json`, problems: [], warnings: [] };
  return { [name]: { info: { name, type, config }, status: { connector: { state: 'RUNNING' }, rowcast } } };
}

test('source and sinks of the same topics are one pipeline, whether the sink names a prefix or topics', () => {
  const connectors = {
    ...connector('orders', 'sink', { topics: 'shop.public.orders,shop.public.lines' }),
    ...connector('shop', 'source', { 'topic.prefix': 'shop' }),
    ...connector('replica', 'sink', { 'topic.prefix': 'shop' }),
    ...connector('crm', 'source', { 'topic.prefix': 'crm' }),
  };
  const found = pipelinesOf(connectors).map(({ prefix, sources, sinks }) => [
    prefix,
    sources.map(({ info }) => info.name),
    sinks.map(({ info }) => info.name),
  ]);
  expect(found).toEqual([
    ['crm', ['crm'], []],
    ['shop', ['shop'], ['orders', 'replica']],
  ]);
});

test('a connector whose file says nothing of topics is shown all the same', () => {
  expect(pipelinesOf(connector('broken', 'unknown', {}))).toMatchObject([{ prefix: '', sources: [{}], sinks: [] }]);
});
