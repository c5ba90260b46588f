/** What the screen shows of a node. */
export interface NodeSample {
  readonly height: number;
  readonly peers: number;
  /** Transactions that wait. */
  readonly waiting: number;
  /** Transactions in final blocks since the start of the process. */
  readonly transactions: number;
  /** Blocks that became final since the start of the process, and the seconds from their header's time until then, added up. */
  readonly finalCount: number;
  readonly finalSeconds: number;
}

const TIMEOUT_MS = 1_000;

/** Reads a node's metrics; undefined while it does not answer. */
export async function sampleNode(metricsPort: number): Promise<NodeSample | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const values = parseMetrics(await response.text());
    const value = (name: string): number => values.get(name) ?? 0;
    return {
      height: value('ogpu_chain_height'),
      peers: value('ogpu_p2p_peers'),
      waiting: value('ogpu_mempool_transactions'),
      transactions: value('ogpu_consensus_block_transactions_sum'),
      finalCount: value('ogpu_consensus_finality_seconds_count'),
      finalSeconds: value('ogpu_consensus_finality_seconds_sum'),
    };
  } catch {
    return undefined;
  }
}

/** Values of Prometheus' text format by name; of those with labels, the sum over them. */
export function parseMetrics(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})? (\S+)$/.exec(line);
    const [, name, value] = found ?? [];
    if (name !== undefined && value !== undefined) {
      values.set(name, (values.get(name) ?? 0) + Number(value));
    }
  }
  return values;
}
