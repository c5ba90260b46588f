import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatDocument, parseDocument } from '../../../genesis/document.js';
import { PRESETS } from '../../../protocol/presets.js';
import { chainParamsToJson } from '../../../protocol/params-check.js';
import { addressText, faultsOf, load, ogpu, sampleDocument, validatorEntry, type Json } from './sample.js';

const devnetParams = chainParamsToJson(PRESETS.devnet.params);
const zeroAddress = `0x${'0'.repeat(40)}`;
const infinity = `0xc0${'00'.repeat(47)}`;
const allocation = (seed: number, balanceWei: string): Json => ({ address: addressText(seed), balanceWei });
const snapshot = (changes: Json = {}): Json => ({
  file: 'holders.csv',
  sha256: 'ab'.repeat(32),
  holders: 1,
  totalWei: '1',
  ...changes,
});

/** The sample with changes to its first validator. */
function withValidator(changes: Json): Json {
  return sampleDocument({ validators: [{ ...validatorEntry(1), ...changes }, validatorEntry(2)] });
}

function without(key: string): Json {
  const { [key]: _, ...rest } = sampleDocument();
  return rest;
}

const refusals: readonly (readonly [name: string, document: Json | string, faults: readonly string[]])[] = [
  ['another version', sampleDocument({ version: 2 }), ['version FIELD_VALUE']],
  ['no version', without('version'), ['version FIELD_MISSING']],
  ['a chain name with capitals', sampleDocument({ chain: 'Dev Net' }), ['chain CHAIN_NAME']],
  [
    'a chain id of zero',
    sampleDocument({ chainId: 0, validators: [] }),
    ['chainId NUMBER_RANGE', 'validators LIST_LENGTH'],
  ],
  ['a time in seconds', sampleDocument({ genesisTimeMs: 1_800_000_000 }), ['genesisTimeMs NUMBER_RANGE']],
  ['a fractional time', sampleDocument({ genesisTimeMs: 1_800_000_000_000.5 }), ['genesisTimeMs FIELD_TYPE']],
  ['no validators', sampleDocument({ validators: [] }), ['validators LIST_LENGTH']],
  ['an unknown key', sampleDocument({ premine: 1 }), ['premine FIELD_UNKNOWN']],
  ['an unknown key inside', withValidator({ stake: 1 }), ['validators[0].stake FIELD_UNKNOWN']],
  [
    'a __proto__ key',
    JSON.stringify(sampleDocument()).replace('{', '{"__proto__":{},'),
    ['__proto__ FIELD_UNKNOWN'],
  ],
  [
    'a key twice',
    JSON.stringify(sampleDocument()).replace('{', '{"version":1,'),
    ['version JSON_DUPLICATE_KEY'],
  ],
  ['a list', '[]', ['$ FIELD_TYPE']],
  ['text that is not JSON', 'genesis', ['$ JSON_SYNTAX']],
  [
    'an unknown parameter',
    sampleDocument({ params: { ...chainParamsToJson(PRESETS.devnet.params), luck: 7 } }),
    ['params.luck PARAM_UNKNOWN'],
  ],
  ['no parameters', without('params'), ['params PARAM_TYPE']],
  ['a name with a line break', withValidator({ name: 'a\nb' }), ['validators[0].name VALIDATOR_NAME']],
  ['a long name', withValidator({ name: 'a'.repeat(65) }), ['validators[0].name VALIDATOR_NAME']],
  ['a bad owner', withValidator({ owner: '0x12' }), ['validators[0].owner ADDRESS_SYNTAX']],
  [
    'a bad checksum',
    withValidator({
      payout: addressText(1)
        .toLowerCase()
        .replace(/[a-f]/, (c) => c.toUpperCase()),
    }),
    ['validators[0].payout ADDRESS_CHECKSUM'],
  ],
  ['the zero address', withValidator({ operator: zeroAddress }), ['validators[0].operator ADDRESS_ZERO']],
  ['a short BLS key', withValidator({ blsPublicKey: '0x12' }), ['validators[0].blsPublicKey HEX_LENGTH']],
  ['a BLS key without 0x', withValidator({ blsPublicKey: '12' }), ['validators[0].blsPublicKey HEX_INVALID']],
  [
    'the BLS key at infinity',
    withValidator({ blsPublicKey: infinity }),
    ['validators[0].blsPublicKey BLS_KEY_INFINITY'],
  ],
  [
    'a BLS key off the curve',
    withValidator({ blsPublicKey: `0x80${'00'.repeat(46)}01` }),
    ['validators[0].blsPublicKey BLS_KEY_NOT_ON_CURVE'],
  ],
  [
    "somebody else's proof of possession",
    withValidator({ proofOfPossession: validatorEntry(2)['proofOfPossession'] }),
    ['validators[0].proofOfPossession PROOF_OF_POSSESSION_INVALID'],
  ],
  [
    "somebody else's owner binding",
    withValidator({ ownerBinding: validatorEntry(2)['ownerBinding'] }),
    ['validators[0].ownerBinding OWNER_BINDING_INVALID'],
  ],
  [
    'a binding for another chain',
    sampleDocument({ chainId: 77, validators: [validatorEntry(1)] }),
    ['validators[0].ownerBinding OWNER_BINDING_INVALID'],
  ],
  [
    'a stolen key',
    withValidator({ owner: addressText(3), stakeWei: ogpu(100) }),
    ['validators[0].ownerBinding OWNER_BINDING_INVALID', 'validators[0].stakeWei STAKE_NOT_COVERED'],
  ],
  ['a stake as a number', withValidator({ stakeWei: 1000 }), ['validators[0].stakeWei FIELD_TYPE']],
  ['a zero stake', withValidator({ stakeWei: '0' }), ['validators[0].stakeWei AMOUNT_ZERO']],
  [
    'a stake below the minimum',
    withValidator({ stakeWei: '1' }),
    ['validators[0].stakeWei STAKE_BELOW_MINIMUM'],
  ],
  [
    'a stake above the balance',
    withValidator({ stakeWei: ogpu(1501) }),
    ['validators[0].stakeWei STAKE_NOT_COVERED'],
  ],
  [
    'a commission above 100 %',
    withValidator({ commissionBps: 10_001 }),
    ['validators[0].commissionBps NUMBER_RANGE'],
  ],
  [
    'a validator twice',
    sampleDocument({ validators: [validatorEntry(1), validatorEntry(1)] }),
    [
      'validators[1].owner VALIDATOR_OWNER_DUPLICATE',
      'validators[1].blsPublicKey VALIDATOR_KEY_DUPLICATE',
      'validators[1].name VALIDATOR_NAME_DUPLICATE',
    ],
  ],
  [
    'more validators than the active set holds',
    sampleDocument({
      params: {
        ...devnetParams,
        consensus: { ...(devnetParams['consensus'] as Json), maxValidators: 1 },
      },
    }),
    ['validators VALIDATORS_ABOVE_MAXIMUM'],
  ],
  [
    'an address allocated twice',
    sampleDocument({
      allocations: [
        allocation(1, ogpu(1000)),
        allocation(2, ogpu(1000)),
        { address: addressText(1).toLowerCase(), balanceWei: '5' },
      ],
    }),
    ['allocations[2].address ALLOCATION_DUPLICATE'],
  ],
  [
    'a negative allocation',
    sampleDocument({ allocations: [allocation(1, '-1')] }),
    ['allocations[0].balanceWei AMOUNT_NEGATIVE'],
  ],
  [
    'an allocation of nothing',
    sampleDocument({ allocations: [allocation(1, '0')] }),
    ['allocations[0].balanceWei AMOUNT_ZERO'],
  ],
  [
    'an allocation finer than a wei',
    sampleDocument({ allocations: [allocation(1, '0.5')] }),
    ['allocations[0].balanceWei AMOUNT_FRACTIONAL_WEI'],
  ],
  [
    'an allocation above the supply',
    sampleDocument({ allocations: [allocation(1, ogpu(21_000_001))] }),
    ['allocations[0].balanceWei AMOUNT_ABOVE_SUPPLY'],
  ],
  [
    'allocations that add up above the supply',
    sampleDocument({
      allocations: [allocation(1, ogpu(20_999_000)), allocation(2, ogpu(1000)), allocation(3, '1')],
    }),
    ['$ SUPPLY_EXCEEDED'],
  ],
  [
    'a long label',
    sampleDocument({ allocations: [{ ...allocation(1, '1'), label: 'x'.repeat(257) }] }),
    ['allocations[0].label TEXT_LENGTH'],
  ],
  [
    'a snapshot outside the directory',
    sampleDocument({ snapshots: [snapshot({ file: '../holders.csv' })] }),
    ['snapshots[0].file SNAPSHOT_FILE_NAME'],
  ],
  [
    'a snapshot in a directory',
    sampleDocument({ snapshots: [snapshot({ file: 'a/holders.csv' })] }),
    ['snapshots[0].file SNAPSHOT_FILE_NAME'],
  ],
  [
    'a bad hash',
    sampleDocument({ snapshots: [snapshot({ sha256: 'AB'.repeat(32) })] }),
    ['snapshots[0].sha256 SNAPSHOT_SHA256'],
  ],
  [
    'no holders',
    sampleDocument({ snapshots: [snapshot({ holders: 0 })] }),
    ['snapshots[0].holders NUMBER_RANGE'],
  ],
  [
    'more accounts than fit in memory',
    sampleDocument({ snapshots: [snapshot({ holders: 16_000_000 })] }),
    ['$ ACCOUNTS_TOO_MANY'],
  ],
  [
    'a missing snapshot',
    sampleDocument({ snapshots: [snapshot()] }),
    ['snapshots[0].file SNAPSHOT_UNREADABLE'],
  ],
];

describe('genesis document', () => {
  test('is accepted as it should be', async () => {
    assert.deepEqual(await faultsOf(load(sampleDocument())), []);
  });

  for (const [name, document, faults] of refusals) {
    test(`refuses ${name}`, async () => {
      assert.deepEqual(await faultsOf(load(document)), faults);
    });
  }

  test('refuses the chain ids of OpenGPU', async () => {
    for (const chainId of [1071, 200_820_172_034]) {
      const faults = await faultsOf(load(sampleDocument({ chainId })));
      assert.ok(faults.includes('chainId CHAIN_ID_FOREIGN'));
    }
  });

  test('reports every fault at once, of form and of meaning', async () => {
    const document = sampleDocument({
      version: 3,
      surprise: true,
      validators: [
        { ...validatorEntry(1), commissionBps: -1 },
        validatorEntry(2),
        { ...validatorEntry(2), name: 'twin', stakeWei: 'much' },
        { ...validatorEntry(2), name: 'other twin' },
      ],
      allocations: [
        allocation(1, ogpu(1500)),
        allocation(1, ogpu(1)),
        { address: zeroAddress, balanceWei: '1' },
      ],
      snapshots: [snapshot({ file: '/etc/passwd' })],
    });
    assert.deepEqual(await faultsOf(load(document)), [
      'version FIELD_VALUE',
      'validators[0].commissionBps NUMBER_RANGE',
      'validators[2].stakeWei AMOUNT_SYNTAX',
      'allocations[2].address ADDRESS_ZERO',
      'snapshots[0].file SNAPSHOT_FILE_NAME',
      'surprise FIELD_UNKNOWN',
      'validators[3].owner VALIDATOR_OWNER_DUPLICATE',
      'validators[3].blsPublicKey VALIDATOR_KEY_DUPLICATE',
      'allocations[1].address ALLOCATION_DUPLICATE',
    ]);
  });

  test('survives formatting and parsing', () => {
    const parsed = parseDocument(sampleDocument());
    assert.ok('value' in parsed);
    assert.deepEqual(JSON.parse(formatDocument(parsed.value)), sampleDocument());
  });
});
