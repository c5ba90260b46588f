import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SecretKey } from '@chainsafe/blst';
import { HDNodeWallet } from 'ethers';
import { deriveChild, deriveMaster } from 'micro-key-producer/bls.js';
import {
  deriveAccountKey,
  deriveValidatorKey,
  mnemonicToSeed,
  parseMnemonic,
} from '../../../node/keys/mnemonic.js';
import { fromHex, toHex } from '../../../protocol/bytes.js';
import { readVector } from '../../support/vectors.js';

interface Eip2333Vectors {
  readonly mnemonic: string;
  readonly passphrase: string;
  readonly cases: readonly {
    readonly seed: string;
    readonly masterSecretKey: string;
    readonly childIndex: number;
    readonly childSecretKey: string;
  }[];
}

const eip2333 = readVector<Eip2333Vectors>('eip2333.json');
const integer = (bytes: Uint8Array): string => BigInt(toHex(bytes)).toString();

describe("EIP-2333's vectors", () => {
  for (const [i, { seed, masterSecretKey, childIndex, childSecretKey }] of eip2333.cases.entries()) {
    test(`case ${i} in micro-key-producer`, () => {
      const master = deriveMaster(fromHex(seed));
      assert.equal(integer(master), masterSecretKey);
      assert.equal(integer(deriveChild(master, childIndex)), childSecretKey);
    });

    test(`case ${i} in blst`, () => {
      const master = SecretKey.deriveMasterEip2333(fromHex(seed));
      assert.equal(integer(master.toBytes()), masterSecretKey);
      assert.equal(integer(master.deriveChildEip2333(childIndex).toBytes()), childSecretKey);
    });
  }

  test('case 0 from its mnemonic', async () => {
    const seed = await mnemonicToSeed(parseMnemonic(eip2333.mnemonic), eip2333.passphrase);
    assert.equal(toHex(seed), eip2333.cases[0]?.seed);
  });
});

// https://github.com/trezor/python-mnemonic, vectors.json, which BIP-39 refers to. The passphrase is "TREZOR".
const BIP39 = [
  {
    mnemonic: 'legal winner thank year wave sausage worth useful legal winner thank yellow',
    seed: '2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607',
  },
  {
    mnemonic:
      'gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable narrow fog',
    seed: '628c3827a8823298ee685db84f55caa34b5cc195a778e52d45f59bcf75aba68e4d7590e101dc414bc1bbd5737666fbbef35d1f1903953b66624f910feef245ac',
  },
  {
    mnemonic:
      'zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote',
    seed: 'dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad',
  },
  {
    mnemonic:
      'hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length',
    seed: '64c87cde7e12ecf6704ab95bb1408bef047c22db4cc7491c4271d170a1b213d20b385bc1588d9c7b38f1b39d415665b8a9030c9ec653d75e65f847d8fc1fc440',
  },
  {
    mnemonic:
      'void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold',
    seed: '01f5bced59dec48e362f2c45b5de68b9fd6c92c6634f44d6d40aab69056506f0e35524a518034ddc1192e1dacd32c1ed3eaa3c3b131c88ed8e7e54c49a5d0998',
  },
];

for (const { mnemonic, seed } of BIP39) {
  test(`BIP-39: ${mnemonic.slice(0, 20)}…`, async () => {
    assert.equal(toHex(await mnemonicToSeed(parseMnemonic(mnemonic), 'TREZOR')), `0x${seed}`);
  });
}

describe('other implementations', () => {
  const mnemonic = 'legal winner thank year wave sausage worth useful legal winner thank yellow';

  for (const index of [0, 1, 7, 2 ** 31 - 1]) {
    test(`validator key ${index}: blst`, async () => {
      const seed = await mnemonicToSeed(mnemonic);
      const { secretKey, path } = deriveValidatorKey(seed, index);
      assert.equal(path, `m/12381/60/${index}/0/0`);
      const walked = [12381, 60, index, 0, 0].reduce(
        (key, child) => key.deriveChildEip2333(child),
        SecretKey.deriveMasterEip2333(seed),
      );
      assert.equal(toHex(walked.toBytes()), toHex(secretKey));
    });

    test(`account key ${index}: ethers`, async () => {
      const { secretKey, path } = deriveAccountKey(await mnemonicToSeed(mnemonic, 'passphrase'), index);
      assert.equal(HDNodeWallet.fromPhrase(mnemonic, 'passphrase', path).privateKey, toHex(secretKey));
    });
  }
});
