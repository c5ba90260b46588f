import type { Client } from 'viem';
import type { AskNode } from '../rpc/jobs/answers.js';
import { JobError } from '../rpc/jobs/errors.js';

/** Asks through a viem client, and believes no answer of another shape. */
export function askOf(client: Client): AskNode {
  const request = client.request as (call: {
    readonly method: string;
    readonly params: readonly unknown[];
  }) => Promise<unknown>;
  return async (method, params, schema) => {
    const parsed = schema.safeParse(await request({ method, params }));
    if (parsed.success) return parsed.data;
    const reason = parsed.error.issues[0]?.message ?? 'another shape';
    throw new JobError('NODE_ANSWER_INVALID', `not the answer of a node: ${reason}`, { method });
  };
}
