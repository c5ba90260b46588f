import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Transaction as EthersTransaction } from 'ethers';
import { recoverTransactionAddress, type Hex, type TransactionSerialized } from 'viem';
import { toHex } from '../../../protocol/bytes.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { recoverSender } from '../../../protocol/transactions/recover.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import type { TransactionType } from '../../../protocol/transactions/types.js';
import { createPrng } from '../../support/prng.js';
import { LAXER, STRICTER } from './differences.js';
import { TRANSACTION_TYPES, randomSecretKey, randomTransaction } from './generate.js';
import { mutate } from './mutate.js';
import { judgeEthers, judgeOurs, judgeViem, type Library, type Verdict } from './oracles.js';

const CASES_PER_TYPE = Number(process.env.OGPU_CASES ?? 3_000);
const SENDERS_PER_TYPE = Math.ceil(CASES_PER_TYPE / 30);
const CHAIN_ID = 1234n;

test(`${CASES_PER_TYPE} mutants of each type: every difference with viem and ethers has a reason`, async (t) => {
  const seen = new Map<string, number>();
  const unexplained: string[] = [];
  for (const type of TRANSACTION_TYPES) await compareMutants(type, seen, unexplained);
  assert.deepEqual(unexplained.slice(0, 5), [], `${unexplained.length} differences without a reason`);
  for (const [name, count] of [...seen].sort()) t.diagnostic(`${name}: ${count}`);
  for (const { name, libraries } of [...STRICTER, ...LAXER]) {
    for (const library of libraries)
      assert.ok(seen.has(`${library}: ${name}`), `no mutant shows "${name}" in ${library}`);
  }
});

async function compareMutants(
  type: TransactionType,
  seen: Map<string, number>,
  unexplained: string[],
): Promise<void> {
  const prng = createPrng(0x6d757461 + TRANSACTION_TYPES.indexOf(type));
  const count = (key: string): void => void seen.set(key, (seen.get(key) ?? 0) + 1);
  let sendersLeft = SENDERS_PER_TYPE;
  for (let i = 0; i < CASES_PER_TYPE; i++) {
    const signed = signTransaction(randomTransaction(prng, type, CHAIN_ID), randomSecretKey(prng));
    const { mutation, bytes } = mutate(encodeTransaction(signed), prng);
    const input = toHex(bytes);
    const ours = judgeOurs(bytes, CHAIN_ID);
    const theirs = { viem: judgeViem(input), ethers: judgeEthers(input) };
    for (const library of ['viem', 'ethers'] as const) {
      const outcome = compare(library, ours, theirs[library], input);
      if (outcome === undefined) {
        const code = ours.accepted ? 'accepted' : ours.code;
        unexplained.push(`${library} against our ${code}, ${type} #${i} ${mutation}: ${input.slice(0, 400)}`);
      } else {
        count(`${library}: ${outcome}`);
      }
    }
    count(`ours: ${ours.accepted ? 'accepted' : ours.code}`);
    if (ours.accepted)
      assert.equal(ours.reencoded, input, `${type} #${i}: accepted bytes re-encode to themselves`);
    if (ours.decoded !== undefined && theirs.viem.accepted && theirs.ethers.accepted && sendersLeft-- > 0) {
      await compareSenders(ours.decoded.signingHash, ours.decoded.transaction.signature, input);
    }
  }
}

/** The name of what happened; undefined for a difference that no class explains. */
function compare(library: Library, ours: Verdict, theirs: Verdict, input: string): string | undefined {
  if (ours.accepted) {
    if (theirs.accepted) return isDeepStrictEqual(theirs.view, ours.view) ? 'both accept' : undefined;
    return LAXER.find(({ libraries, holds }) => libraries.includes(library) && holds(ours.view))?.name;
  }
  if (!theirs.accepted) return 'both refuse';
  const evidence = { view: theirs.view, reencoded: theirs.reencoded, input };
  return STRICTER.find(
    ({ libraries, codes, holds }) =>
      libraries.includes(library) && codes.includes(ours.code) && holds(evidence, CHAIN_ID),
  )?.name;
}

async function compareSenders(
  ...[digest, signature, input]: [...Parameters<typeof recoverSender>, Hex]
): Promise<void> {
  let ours: string | undefined;
  try {
    ours = toHex(recoverSender(digest, signature));
  } catch {
    ours = undefined;
  }
  const viem = await recoverTransactionAddress({
    serializedTransaction: input as TransactionSerialized,
  }).catch(() => undefined);
  let ethers: string | null | undefined;
  try {
    ethers = EthersTransaction.from(input).from;
  } catch {
    ethers = undefined;
  }
  assert.deepEqual([viem?.toLowerCase(), ethers?.toLowerCase()], [ours, ours], input);
}
