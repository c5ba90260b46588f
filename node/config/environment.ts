import { CATALOGUE, fromText } from './catalogue.js';
import type { ConfigFault } from './config-error.js';
import { hint, type Layer, type Written } from './layer.js';
import { suggestion } from './suggestion.js';

/** Names the file. */
export const CONFIG_VARIABLE = 'OGPU_CONFIG';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What variables that begin with `OGPU_` say. Those that mean nothing are faults: a misspelt one would otherwise leave a default in force.
 * An empty one says nothing.
 *
 * @param folder that relative paths are meant from
 */
export function readEnvironment(env: Environment, folder: string): Layer {
  const byVariable = new Map(CATALOGUE.map((entry) => [entry.variable, entry]));
  const values = new Map<string, Written>();
  const faults: ConfigFault[] = [];
  for (const [variable, text = ''] of Object.entries(env)) {
    if (!variable.startsWith('OGPU_') || text === '') continue;
    const entry = byVariable.get(variable);
    if (entry !== undefined)
      values.set(entry.path, { value: fromText(entry, text), source: variable, folder });
    else if (!OF_OTHERS.test(variable)) {
      const message = `there is no such setting${hint(suggestion(variable, byVariable.keys()))}`;
      faults.push({ path: variable, code: 'CONFIG_UNKNOWN', message, source: 'environment' });
    }
  }
  return { values, faults };
}

/** Of the tests and benchmarks, and what Kubernetes sets in every container when a service is called `ogpu`. */
const OF_OTHERS =
  /^OGPU_(?:CONFIG|RPC_URL|UPDATE_FIXTURES|CASES|BENCH_\w+|SOAK_\w+|TEST_\w+|(?:\w+_)?SERVICE_(?:HOST|PORT\w*)|PORT|(?:\w+_)?PORT_\d+_(?:TCP|UDP)\w*)$/;
