import type { DevelopmentAccount } from '../node/devnet/accounts.js';
import { generateAccountSecret } from '../node/keys/secret-key.js';
import { addressFromPublicKey } from '../protocol/address.js';
import { toHex } from '../protocol/bytes.js';
import { secp256k1 } from '../protocol/crypto/secp256k1.js';
import { invariant } from '../protocol/invariant.js';
import { PRESETS } from '../protocol/presets.js';
import { encodeTransaction } from '../protocol/transactions/encode.js';
import { signTransaction } from '../protocol/transactions/sign.js';

const GWEI = 10n ** 9n;

/** An account with a nonce of its own to count. */
export interface Sender {
  readonly address: Uint8Array;
  readonly secretKey: Uint8Array;
  nonce: number;
  /** Signed beforehand, with the nonces before `nonce`: who signs while it sends takes time from the nodes it measures. */
  ready: string[];
}

export function newSender(): Sender {
  const secretKey = generateAccountSecret();
  return { address: addressFromPublicKey(secp256k1.publicKey(secretKey)), secretKey, nonce: 0, ready: [] };
}

export function senderOf({ address, secretKey }: DevelopmentAccount): Sender {
  return { address, secretKey, nonce: 0, ready: [] };
}

/** The next transfer of a sender, as JSON-RPC takes it. */
export function nextTransfer(sender: Sender, to: Uint8Array, value = 1n): string {
  const transaction = signTransaction(
    {
      ...{ type: 'eip1559', chainId: BigInt(PRESETS.devnet.chainId), nonce: BigInt(sender.nonce++) },
      ...{ gasLimit: 21_000n, maxFeePerGas: 1_000n * GWEI, maxPriorityFeePerGas: GWEI },
      ...{ to, value, data: new Uint8Array(0), accessList: [] },
    },
    sender.secretKey,
  );
  return toHex(encodeTransaction(transaction));
}

/** Signs transfers of each sender to itself beforehand. */
export function signAhead(senders: readonly Sender[], count: number): void {
  for (const sender of senders) {
    while (sender.ready.length < count) sender.ready.push(nextTransfer(sender, sender.address));
  }
}

/** The next transfers of a sender to itself. */
export function takeTransfers(sender: Sender, count: number): readonly string[] {
  const taken = sender.ready.splice(0, count);
  while (taken.length < count) taken.push(nextTransfer(sender, sender.address));
  return taken;
}

/** Goes on from another nonce; what was signed beforehand is void. */
export function continueAt(sender: Sender, nonce: number): void {
  sender.nonce = nonce;
  sender.ready = [];
}

/** Sends a batch in one request. @returns how many were accepted, and the first refusal */
export async function sendBatch(
  port: number,
  envelopes: readonly string[],
): Promise<{ readonly accepted: number; readonly refusal: string | undefined }> {
  const calls = envelopes.map((envelope, id) => ({
    ...{ jsonrpc: '2.0', id, method: 'eth_sendRawTransaction', params: [envelope] },
  }));
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls),
  });
  const answers = (await response.json()) as readonly { readonly error?: { readonly message: string } }[];
  const refused = answers.filter(({ error }) => error !== undefined);
  return { accepted: answers.length - refused.length, refusal: refused[0]?.error?.message };
}

/** Of sorted values. */
export function quantile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  invariant(value !== undefined, 'something was measured');
  return value;
}

/** Slope of the line through points (least squares), in y per x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
