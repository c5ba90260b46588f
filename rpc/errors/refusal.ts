/** A typed error of a node: its code, and what to act on. */
export interface NodeRefusal {
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The typed error of a node in whatever a client has thrown, which carries it as its `data` or that of a cause; undefined where there is none. */
export function nodeErrorOf(error: unknown): NodeRefusal | undefined {
  for (const each of causesOf(error)) {
    if (typeof each !== 'object' || each === null || !('data' in each)) continue;
    const { data } = each;
    if (typeof data === 'object' && data !== null && 'code' in data && typeof data.code === 'string')
      return { code: data.code, data: { ...data } };
  }
  return undefined;
}

const MAX_CAUSES = 16;

/** An error and its causes. */
export function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let each = error;
  while (each !== undefined && each !== null && chain.length < MAX_CAUSES) {
    chain.push(each);
    each = (each as { cause?: unknown }).cause;
  }
  return chain;
}
