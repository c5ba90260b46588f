import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { documentMetrics } from '../../../node/metrics/documentation.js';
import { createMetrics } from '../../../node/metrics/metrics.js';
import { assertGenerated } from '../../support/generated.js';
import { REPOSITORY_ROOT } from '../../support/vectors.js';

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

const dashboard = JSON.parse(
  readFileSync(join(REPOSITORY_ROOT, 'docs', 'grafana', 'ogpu-node.json'), 'utf8'),
) as Dashboard;

test('docs/metrics.md has every metric', async () => {
  assertGenerated('docs/metrics.md', 'metrics', await documentMetrics());
});

test('names say what they are: a unit, and _total for what only grows', async () => {
  for (const { name, type } of await createMetrics({}).registry.getMetricsAsJSON()) {
    if (!name.startsWith('ogpu_')) continue;
    assert.match(name, /^ogpu_[a-z0-9]+(?:_[a-z0-9]+)*$/);
    assert.equal(name.endsWith('_total'), String(type) === 'counter', name);
  }
});

test('the dashboard asks for metrics and labels that there are, and for every one of ours', async () => {
  const known = new Map<string, readonly string[]>();
  for (const { name, type } of await createMetrics({}).registry.getMetricsAsJSON()) {
    const names =
      String(type) === 'histogram' ? ['_bucket', '_count', '_sum'].map((end) => `${name}${end}`) : [name];
    for (const each of names) known.set(each, []);
  }
  const queries = [
    ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.map(({ query }) => query),
  ];
  const asked = new Set(queries.flatMap((query) => query.match(/\b(?:ogpu|process|nodejs)_\w+/g) ?? []));
  assert.deepEqual(
    [...asked].filter((name) => !known.has(name)),
    [],
  );
  const ours = [...known.keys()].filter((name) => name.startsWith('ogpu_'));
  const families = new Set([...asked].map((name) => name.replace(/_(?:bucket|count|sum)$/, '')));
  const missing = ours.filter((name) => !families.has(name.replace(/_(?:bucket|count|sum)$/, '')));
  assert.deepEqual(missing.sort(), NOT_SHOWN);
});

/** Of use in a query, and no picture. */
const NOT_SHOWN = [
  'ogpu_chain_oldest_height',
  'ogpu_consensus_block_interval_seconds_bucket',
  'ogpu_consensus_block_interval_seconds_count',
  'ogpu_consensus_block_interval_seconds_sum',
  'ogpu_consensus_block_size_bytes_bucket',
  'ogpu_consensus_block_size_bytes_count',
  'ogpu_consensus_block_size_bytes_sum',
  'ogpu_consensus_height',
  'ogpu_consensus_round',
  'ogpu_consensus_validators',
  'ogpu_mempool_senders',
  'ogpu_p2p_queued_bytes',
  'ogpu_store_cache_bytes',
  'ogpu_sync_best_peer_height',
];

test('the alarms of docs/operations.md are of metrics that there are', async () => {
  const text = readFileSync(join(REPOSITORY_ROOT, 'docs', 'operations.md'), 'utf8');
  const known = new Set((await createMetrics({}).registry.getMetricsAsJSON()).map(({ name }) => name));
  const named = new Set(text.match(/\bogpu_\w+/g));
  assert(named.size > 8);
  assert.deepEqual(
    [...named].filter((name) => !known.has(name)),
    [],
  );
});

test('panels have ids of their own and do not lie upon each other', () => {
  const ids = new Set(dashboard.panels.map(({ id }) => id));
  assert.equal(ids.size, dashboard.panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    assert(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert(!taken.has(`${x}:${y}`), title);
        taken.add(`${x}:${y}`);
      }
  }
});
