import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DaemonView } from '../../src/worker/rest/daemon-view.ts';
import { createMetrics } from '../../src/worker/rest/metrics.ts';

const root = join(import.meta.dirname, '..', '..');
const FILES = ['deploy/grafana/dashboards/rowcast.json', 'deploy/prometheus/alerts.yml', 'docs/operating/watching.md'];

/** Names of metrics that Rowcast and prom-client could have. */
const NAME = /\b(?:rowcast|process|nodejs)_[a-z0-9_]+[a-z0-9]\b/g;

async function served(): Promise<Set<string>> {
  const view: DaemonView = {
    daemon: '',
    version: '',
    key: '',
    tail: () => Promise.reject(new Error('nothing to read')),
    clusterId: '',
    registry: undefined,
    isReady: true,
    control: undefined as never, // metrics change nothing
    topics: async () => [],
    connectors: () => [],
    operate: () => Promise.reject(new Error('nothing to operate')),
  };
  const metrics = createMetrics({
    view,
    judgeNow: () => ({ status: 'healthy', message: '', connectors: [] }),
    failingSince: () => new Map(),
    now: () => 0,
  });
  return new Set([...(await metrics.page()).matchAll(/^# HELP (\S+)/gm)].map((match) => match[1] as string));
}

test.each(FILES)('%s refers to metrics that are served', async (file) => {
  const names = await served();
  const mentioned = new Set(readFileSync(join(root, file), 'utf8').match(NAME));
  expect(mentioned.size).toBeGreaterThan(3);
  const isServed = (name: string): boolean => names.has(name) || names.has(name.replace(/_(bucket|sum|count)$/, ''));
  expect([...mentioned].filter((name) => !isServed(name))).toEqual([]);
});

test('every metric of Rowcast is explained', async () => {
  const explained = readFileSync(join(root, 'docs/operating/watching.md'), 'utf8');
  const own = [...(await served())].filter((name) => name.startsWith('rowcast_'));
  expect(own.filter((name) => !explained.includes(`\`${name}\``))).toEqual([]);
});
