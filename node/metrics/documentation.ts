import { createMetrics } from './metrics.js';

/** The table of docs/metrics.md: every metric of this project. */
export async function documentMetrics(): Promise<string> {
  const all = await createMetrics({}).registry.getMetricsAsJSON();
  const rows = all
    .filter(({ name }) => name.startsWith('ogpu_'))
    .map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help.replaceAll('|', '\\|')} |`);
  return ['| metric | kind | meaning |', '|---|---|---|', ...rows].join('\n');
}
