import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toChecksumAddress, type Address } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { toHex } from '../../../protocol/bytes.js';
import { bls } from '../../../protocol/crypto/bls.js';
import { ownerBindingRoot, type ChainIdentity } from '../../../protocol/domains.js';
import { nextValidators } from '../../../state/staking/active-set.js';
import { signingKeyAt } from '../../../state/staking/evidence.js';
import { keyOwners } from '../../../state/staking/validator.js';
import { chainIdentityAt, paramsRecord } from '../../../state/system/chain.js';
import { genesisValidator } from '../../support/ledger.js';
import {
  ALICE,
  BOB,
  CAROL,
  eventValues,
  person,
  StakingChain,
  stakingParams,
  type StakingCall,
} from '../../support/staking.js';

const OGPU = WEI_PER_OGPU;
const EPOCH_MS = 60_000;
const A: Address = new Uint8Array(20).fill(1);
const STAKE_WEI = 100n * OGPU;

type RegistrationPurpose = Parameters<typeof ownerBindingRoot>[1];

type Case = [what: string, terms: Terms, error: string, args?: readonly unknown[]];

interface Binding {
  readonly owner?: Address;
  readonly nonce?: number;
  readonly purpose?: RegistrationPurpose;
  readonly identity?: Partial<ChainIdentity>;
}

/** A BLS key; proofs are expensive, so each is made once. */
class Key {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly proof: Uint8Array;

  constructor(number: number) {
    this.secretKey = new Uint8Array(32).fill(number);
    this.publicKey = bls.publicKey(this.secretKey);
    this.proof = bls.provePossession(this.secretKey);
  }

  bind(chain: StakingChain, owner: Address, changes: Binding = {}): Uint8Array {
    const identity = chainIdentityAt(chain.ledger, paramsRecord.read(chain.ledger), chain.height);
    const { nonce = 0, purpose = nonce === 0 ? 'validator-registration' : 'validator-key-rotation' } =
      changes;
    const root = ownerBindingRoot(
      { ...identity, ...changes.identity },
      purpose,
      changes.owner ?? owner,
      nonce,
    );
    return bls.sign(this.secretKey, root);
  }
}

const [FIRST, SECOND, THIRD] = [new Key(11), new Key(12), new Key(13)];

interface Terms {
  readonly name?: string;
  readonly operator?: Address;
  readonly payout?: Address;
  readonly bps?: number;
  readonly key?: Uint8Array;
  readonly proof?: Uint8Array;
  readonly binding?: Uint8Array;
  readonly valueWei?: bigint;
}

function register(chain: StakingChain, from: Address, terms: Terms = {}): StakingCall {
  const { name = 'a name', operator = from, payout = from, bps = 500, valueWei = STAKE_WEI } = terms;
  const { key = FIRST.publicKey, proof = FIRST.proof, binding = FIRST.bind(chain, from) } = terms;
  return {
    from,
    name: 'register',
    values: [name, operator, payout, BigInt(bps), key, proof, binding],
    valueWei,
  };
}

function rotate(from: Address, id: Address, key: Key, binding: Uint8Array): StakingCall {
  return { from, name: 'rotateKey', values: [id, key.publicKey, key.proof, binding] };
}

describe('registration', () => {
  test('makes a validator with its own stake, active from the next epoch on', async () => {
    const chain = new StakingChain();
    const block = await chain.run(register(chain, ALICE, { operator: BOB, payout: CAROL }));
    assert.deepEqual(
      eventValues(block, 'ValidatorRegistered').map((v) => v.slice(1)),
      [[toHex(FIRST.publicKey), STAKE_WEI]],
    );
    assert.deepEqual(chain.view('validator', ALICE), ['a name', BOB, CAROL, FIRST.publicKey, 500n, 1n]);
    assert.deepEqual(chain.view('standing', ALICE), [STAKE_WEI, STAKE_WEI, false, 0n, false]);
    assert.equal(signingKeyAt(chain.ledger, ALICE, chain.height), undefined);
    const possession = { validator: ALICE, proofOfPossession: FIRST.proof };
    assert.deepEqual(keyOwners.read(chain.ledger, FIRST.publicKey), possession, 'a light client asks for it');
    await chain.block({ afterMs: EPOCH_MS });
    const member = nextValidators(chain.ledger).find(({ id }) => toHex(id) === toHex(ALICE));
    assert.deepEqual(member, { id: ALICE, blsPublicKey: FIRST.publicKey, votingPower: 100_000_000 });
    await chain.refuse(register(chain, ALICE), 'AlreadyRegistered', [toChecksumAddress(ALICE)]);
  });

  test('is refused by name', async () => {
    const chain = new StakingChain();
    const flipped = Uint8Array.from(FIRST.publicKey, (byte, index) => (index === 47 ? byte ^ 1 : byte));
    const infinity = Uint8Array.from({ length: 48 }, (_, index) => (index === 0 ? 0xc0 : 0));
    const cases: Case[] = [
      ['little stake', { valueWei: STAKE_WEI - 1n }, 'SelfStakeTooLow', [STAKE_WEI, STAKE_WEI - 1n]],
      ...['', ' a', 'a ', 'a\nb', 'ö', 'x'.repeat(65)].map((name): Case => [
        `name "${name}"`,
        { name },
        'InvalidName',
      ]),
      ['no operator', { operator: new Uint8Array(20) }, 'InvalidAddress'],
      ['no payout', { payout: new Uint8Array(20) }, 'InvalidAddress'],
      ['commission', { bps: 10_001 }, 'CommissionTooHigh', [10_000, 10_001]],
      ['short key', { key: FIRST.publicKey.slice(1) }, 'InvalidBlsKey'],
      ['no key', { key: new Uint8Array(0) }, 'InvalidBlsKey'],
      ['point at infinity', { key: infinity }, 'InvalidBlsKey'],
      ['other key', { key: flipped }, flippedError(flipped)],
      ['proof of another key', { proof: SECOND.proof }, 'InvalidProofOfPossession'],
      ['no proof', { proof: new Uint8Array(96) }, 'InvalidProofOfPossession'],
      ['no binding', { binding: new Uint8Array(0) }, 'InvalidOwnerBinding', [0n]],
      ['binding for another owner', { binding: FIRST.bind(chain, BOB) }, 'InvalidOwnerBinding', [0n]],
      [
        'another nonce',
        { binding: FIRST.bind(chain, ALICE, { nonce: 1, purpose: 'validator-registration' }) },
        'InvalidOwnerBinding',
      ],
      [
        'another purpose',
        { binding: FIRST.bind(chain, ALICE, { purpose: 'validator-key-rotation' }) },
        'InvalidOwnerBinding',
      ],
      [
        'another chain',
        { binding: FIRST.bind(chain, ALICE, { identity: { chainId: 64_780 } }) },
        'InvalidOwnerBinding',
      ],
      [
        'another genesis',
        { binding: FIRST.bind(chain, ALICE, { identity: { genesisId: new Uint8Array(32) } }) },
        'InvalidOwnerBinding',
      ],
      [
        'another version',
        { binding: FIRST.bind(chain, ALICE, { identity: { protocolVersion: 2 } }) },
        'InvalidOwnerBinding',
      ],
    ];
    for (const [what, terms, error, args] of cases) {
      await chain.refuse(register(chain, ALICE, terms), error, args).catch((cause: unknown) => {
        throw new Error(`${what}: ${String(cause)}`, { cause });
      });
    }
    await chain.run(register(chain, ALICE, { name: 'x'.repeat(64), bps: 10_000 }));
  });

  test("with a key copied from another's transaction is useless, before it is in a block and after", async () => {
    const chain = new StakingChain();
    const binding = FIRST.bind(chain, ALICE);
    await chain.refuse(register(chain, BOB, { binding }), 'InvalidOwnerBinding', [0n]);
    await chain.run(register(chain, ALICE, { binding }));
    await chain.refuse(register(chain, BOB, { binding }), 'BlsKeyUsed', [toChecksumAddress(ALICE)]);
    await chain.refuse(register(chain, BOB, { key: new Uint8Array(48).fill(1) }), 'InvalidBlsKey');
  });
});

describe('key rotation', () => {
  const rotating = async (evidenceMaxAgeBlocks = 1): Promise<StakingChain> => {
    const chain = new StakingChain({
      params: stakingParams({ consensus: { evidenceMaxAgeBlocks } }),
      members: [genesisValidator(1, { operator: BOB })],
      people: [A, ALICE, BOB],
    });
    await chain.run(rotate(BOB, A, SECOND, SECOND.bind(chain, A, { nonce: 1 })));
    return chain;
  };
  const memberKey = (chain: StakingChain): string =>
    toHex(nextValidators(chain.ledger)[0]?.blsPublicKey ?? A);

  test('takes effect with the next epoch; the old key stays answerable as long as evidence is accepted', async () => {
    const chain = await rotating();
    const old = new Uint8Array(48).fill(1);
    const heightOfOld = chain.height;
    assert.deepEqual(signingKeyAt(chain.ledger, A, heightOfOld), old);
    assert.equal(memberKey(chain), toHex(old));
    await chain.block({ afterMs: EPOCH_MS });
    assert.equal(memberKey(chain), toHex(SECOND.publicKey));
    assert.deepEqual(signingKeyAt(chain.ledger, A, heightOfOld), old);
    assert.deepEqual(signingKeyAt(chain.ledger, A, chain.height), old, 'decided by the old set');
    assert.deepEqual(signingKeyAt(chain.ledger, A, chain.height + 1), SECOND.publicKey);
    for (let i = 0; i < 10; i++) await chain.block({ afterMs: EPOCH_MS });
    assert.equal(signingKeyAt(chain.ledger, A, heightOfOld), undefined, 'nothing can be proved any more');
    await chain.run(rotate(A, A, THIRD, THIRD.bind(chain, A, { nonce: 2 })));
    assert.deepEqual(
      chain.validator(A).keys.map(({ blsPublicKey }) => blsPublicKey),
      [SECOND.publicKey, THIRD.publicKey],
    );
    assert.equal(chain.validator(A).keyCount, 3);
    for (const key of [SECOND, THIRD]) {
      const possession = { validator: A, proofOfPossession: key.proof };
      assert.deepEqual(keyOwners.read(chain.ledger, key.publicKey), possession);
    }
    const fromGenesis = genesisValidator(1).proofOfPossession;
    assert.deepEqual(keyOwners.read(chain.ledger, old).proofOfPossession, fromGenesis);
  });

  test('leaves the old key answerable after a halt, for as many blocks as evidence is accepted', async () => {
    const chain = await rotating(6);
    const heightOfOld = chain.height;
    for (let i = 0; i < 3; i++) await chain.block({ afterMs: 100 * EPOCH_MS });
    await chain.run(rotate(A, A, THIRD, THIRD.bind(chain, A, { nonce: 2 })));
    assert.deepEqual(
      chain.validator(A).keys.map(({ fromEpoch }) => fromEpoch),
      [0, 1, 4],
    );
    assert.deepEqual(signingKeyAt(chain.ledger, A, heightOfOld), new Uint8Array(48).fill(1));
    await chain.block({ afterMs: 100 * EPOCH_MS });
    assert.equal(signingKeyAt(chain.ledger, A, heightOfOld), undefined);
  });

  test('is refused while another is pending, with a used key, a wrong nonce, or by a stranger', async () => {
    const chain = await rotating();
    const third = THIRD.bind(chain, A, { nonce: 2 });
    await chain.refuse(rotate(A, A, THIRD, third), 'RotationPending', [1n]);
    await chain.refuse(rotate(ALICE, A, THIRD, third), 'NotOwnerOrOperator', [toChecksumAddress(ALICE)]);
    await chain.refuse(rotate(ALICE, ALICE, THIRD, third), 'UnknownValidator');
    await chain.block({ afterMs: EPOCH_MS });
    await chain.refuse(rotate(A, A, SECOND, SECOND.bind(chain, A, { nonce: 2 })), 'BlsKeyUsed', [
      toChecksumAddress(A),
    ]);
    await chain.refuse(rotate(A, A, THIRD, THIRD.bind(chain, A, { nonce: 1 })), 'InvalidOwnerBinding', [2n]);
    await chain.refuse(
      rotate(A, A, THIRD, THIRD.bind(chain, A, { nonce: 2, purpose: 'validator-registration' })),
      'InvalidOwnerBinding',
    );
    const block = await chain.run(rotate(A, A, THIRD, third));
    assert.deepEqual(
      eventValues(block, 'KeyRotated').map((v) => v.slice(1)),
      [[toHex(THIRD.publicKey), 2n]],
    );
    assert.deepEqual(
      chain.validator(A).keys.map(({ fromEpoch }) => fromEpoch),
      [0, 1, 2],
      'evidence of the first key is still accepted',
    );
  });
});

describe('rights', () => {
  const set = (from: Address, name: string, value: Address): StakingCall => ({ from, name, values: [value] });

  test('operator and payout are the owner’s to change; the old operator has no say any more', async () => {
    const chain = new StakingChain({
      members: [genesisValidator(1, { operator: BOB })],
      people: [A, ALICE, BOB],
    });
    for (const name of ['setOperator', 'setPayout']) {
      await chain.refuse(set(BOB, name, BOB), 'UnknownValidator', [toChecksumAddress(BOB)]);
      await chain.refuse(set(A, name, new Uint8Array(20)), 'InvalidAddress');
    }
    await chain.refuse({ from: BOB, name: 'setCommission', values: [1_000n] }, 'UnknownValidator');
    const block = await chain.run(set(A, 'setOperator', ALICE), set(A, 'setPayout', CAROL));
    assert.equal(
      eventValues(block, 'OperatorChanged').length + eventValues(block, 'PayoutChanged').length,
      2,
    );
    assert.deepEqual(chain.view('validator', A).slice(1, 3), [ALICE, CAROL]);
    await chain.refuse({ from: BOB, name: 'unjail', values: [A] }, 'NotOwnerOrOperator', [
      toChecksumAddress(BOB),
    ]);
    await chain.refuse({ from: ALICE, name: 'unjail', values: [A] }, 'NotJailed');
    await chain.block({ afterMs: EPOCH_MS });
    assert.ok(chain.moneyWei(CAROL) > 0n && chain.moneyWei(A) === 100_000n * OGPU);
  });

  test('of a validator nobody knows', async () => {
    const chain = new StakingChain({ params: stakingParams({}) });
    await chain.refuse({ from: ALICE, name: 'unjail', values: [person('nobody')] }, 'UnknownValidator');
    assert.throws(() => chain.view('validator', ALICE), { message: 'UnknownValidator' });
    assert.throws(() => chain.view('standing', ALICE), { message: 'UnknownValidator' });
  });
});

/** A changed byte makes another point or none. */
function flippedError(key: Uint8Array): string {
  try {
    bls.parsePublicKey(key);
    return 'InvalidOwnerBinding';
  } catch {
    return 'InvalidBlsKey';
  }
}
