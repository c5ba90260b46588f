import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { SignaturePool } from '../node/signatures/pool.js';
import type { Recovery } from '../node/signatures/wire.js';
import { addressFromPublicKey, parseAddress, toChecksumAddress } from '../protocol/address.js';
import { bls, nobleBls, type Bls, type SignedBy } from '../protocol/crypto/bls.js';
import { keccak256, nobleKeccak256, nobleSha256, sha256 } from '../protocol/crypto/hash.js';
import { nobleSecp256k1, secp256k1, type Secp256k1 } from '../protocol/crypto/secp256k1.js';
import type { Measurement, Scenario, Suite } from './harness.js';

const VOTES = 128;
const RECOVERIES = 2048;
const MESSAGE = new Uint8Array(100).fill(7);

export const suite: Suite = {
  scenarios: () => [...hashScenarios(), ...addressScenarios(), ...secp256k1Scenarios(), ...blsScenarios()],
  measurements: async () => [...(await voteDelays()), ...(await recoveryRates())],
};

function secretKey(index: number): Uint8Array {
  const key = sha256(Uint8Array.of(index >> 8, index & 0xff));
  key[0] = 0;
  return key;
}

function votes(backend: Bls): SignedBy[] {
  return Array.from({ length: VOTES }, (_, i) => ({
    key: backend.parsePublicKey(bls.publicKey(secretKey(i))),
    signature: bls.sign(secretKey(i), MESSAGE),
  }));
}

function recoveries(): Recovery[] {
  return Array.from({ length: RECOVERIES }, (_, i) => {
    const digest = sha256(secretKey(i));
    return { digest, ...secp256k1.sign(digest, secretKey(i)) };
  });
}

function hashScenarios(): Scenario[] {
  return [32, 500, 4096].flatMap((length) => {
    const input = new Uint8Array(length).fill(5);
    return [
      {
        name: `crypto/keccak256/${length}B`,
        ours: { name: 'ours', run: () => keccak256(input) },
        peers: [{ name: nobleKeccak256.name, run: () => nobleKeccak256.hash(input) }],
      },
      {
        name: `crypto/sha256/${length}B`,
        ours: { name: 'ours', run: () => sha256(input) },
        peers: [{ name: nobleSha256.name, run: () => nobleSha256.hash(input) }],
      },
    ];
  });
}

function addressScenarios(): Scenario[] {
  const address = keccak256(MESSAGE).slice(12);
  const text = toChecksumAddress(address);
  const lowerCase = text.toLowerCase();
  return [
    { name: 'crypto/address/format', ours: { name: 'ours', run: () => toChecksumAddress(address) } },
    { name: 'crypto/address/parse-mixed-case', ours: { name: 'ours', run: () => parseAddress(text) } },
    { name: 'crypto/address/parse-lower-case', ours: { name: 'ours', run: () => parseAddress(lowerCase) } },
  ];
}

function secp256k1Scenarios(): Scenario[] {
  const digest = sha256(MESSAGE);
  const key = secretKey(1);
  const publicKey = secp256k1.publicKey(key);
  const { signature, yParity } = secp256k1.sign(digest, key);
  const pair = (run: (curve: Secp256k1) => unknown): Pick<Scenario, 'ours' | 'peers'> => ({
    ours: { name: 'ours', run: () => run(secp256k1) },
    peers: [{ name: nobleSecp256k1.name, run: () => run(nobleSecp256k1) }],
  });
  return [
    { name: 'crypto/secp256k1/sign', ...pair((curve) => curve.sign(digest, key)) },
    { name: 'crypto/secp256k1/verify', ...pair((curve) => curve.verify(signature, digest, publicKey)) },
    { name: 'crypto/secp256k1/recover', ...pair((curve) => curve.recover(digest, signature, yParity)) },
  ];
}

function blsScenarios(): Scenario[] {
  const [ours, portable] = [votes(bls), votes(nobleBls)];
  const aggregate = bls.aggregateSignatures(ours.map(({ signature }) => signature));
  const [oursFirst, portableFirst] = [ours[0], portable[0]];
  if (oursFirst === undefined || portableFirst === undefined) throw new RangeError('no votes');
  const { signature } = oursFirst;
  const proof = bls.provePossession(secretKey(0));
  const pair = (
    run: (backend: Bls, entries: SignedBy[], first: SignedBy) => unknown,
  ): Pick<Scenario, 'ours' | 'peers'> => ({
    ours: { name: 'ours', run: () => run(bls, ours, oursFirst) },
    peers: [{ name: nobleBls.name, run: () => run(nobleBls, portable, portableFirst) }],
  });
  return [
    {
      name: `crypto/bls/same-message/${VOTES}`,
      goal: '≥ 10 × @noble/curves',
      operations: VOTES,
      ...pair((backend, entries) => backend.verifySameMessage(entries, MESSAGE)),
    },
    {
      name: `crypto/bls/commit/${VOTES}`,
      ...pair((backend, entries) =>
        backend.fastAggregateVerify(
          entries.map(({ key }) => key),
          MESSAGE,
          aggregate,
        ),
      ),
    },
    { name: 'crypto/bls/verify', ...pair((backend, _, { key }) => backend.verify(key, MESSAGE, signature)) },
    { name: 'crypto/bls/sign', ...pair((backend) => backend.sign(secretKey(0), MESSAGE)) },
    {
      name: 'crypto/bls/possession-verify',
      ours: { name: 'ours', run: () => bls.verifyPossession(oursFirst.key.bytes, proof) },
    },
  ];
}

/** Ten rounds of votes, checked on the main thread and in the pool: how long they take and how long they hold it up. */
async function voteDelays(): Promise<Measurement[]> {
  const entries = votes(bls);
  const pool = new SignaturePool({ workers: 1 });
  await pool.findInvalid(entries, MESSAGE);
  const inline = await underLoad(() => Promise.resolve(bls.findInvalid(entries, MESSAGE)));
  const pooled = await underLoad(() => pool.findInvalid(entries, MESSAGE));
  await pool.close();
  return [
    { name: `crypto/bls/${VOTES}-votes/main-thread`, value: inline },
    { name: `crypto/bls/${VOTES}-votes/pool-of-1`, value: pooled, goal: 'the event loop is not held up' },
  ];
}

async function underLoad(check: () => Promise<unknown>): Promise<string> {
  const rounds = 20;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    await check();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const elapsedMs = (performance.now() - start) / rounds;
  delay.disable();
  return `${elapsedMs.toFixed(1)} ms a batch; event loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`;
}

async function recoveryRates(): Promise<Measurement[]> {
  const batch = recoveries();
  const perSecond = (elapsedMs: number): string =>
    `${Math.round((RECOVERIES * 1000) / elapsedMs).toLocaleString('en-GB')} /s`;
  const start = performance.now();
  for (const { digest, signature, yParity } of batch) {
    const publicKey = secp256k1.recover(digest, signature, yParity);
    if (publicKey !== undefined) addressFromPublicKey(publicKey);
  }
  const results: Measurement[] = [
    { name: 'crypto/senders/main-thread', value: perSecond(performance.now() - start) },
  ];
  for (const workers of [1, 2]) {
    const pool = new SignaturePool({ workers });
    await pool.recoverAddresses(batch);
    const pooledStart = performance.now();
    await pool.recoverAddresses(batch);
    results.push({
      name: `crypto/senders/pool-of-${workers}`,
      value: perSecond(performance.now() - pooledStart),
    });
    await pool.close();
  }
  return results;
}
