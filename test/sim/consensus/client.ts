import { compileFunction, encodeCall } from '../../../protocol/abi/items.js';
import { abiFunction } from '../../../protocol/abi/signature.js';
import { encodeTransaction } from '../../../protocol/transactions/encode.js';
import { signTransaction } from '../../../protocol/transactions/sign.js';
import { MODULE_ADDRESSES } from '../../../state/modules/addresses.js';
import type { Prng } from '../../support/prng.js';
import type { SimulatedChain, SimulatedValidator } from './chain.js';

const delegate = compileFunction(abiFunction('delegate(address validator) payable'));
const undelegate = compileFunction(
  abiFunction('undelegate(address validator, uint256 amountWei) returns (uint64 number)'),
);
const unjail = compileFunction(abiFunction('unjail(address validator)'));

const GWEI = 10n ** 9n;
const MILLI_OGPU = 10n ** 15n;

interface Plan {
  readonly to: Uint8Array;
  readonly value: bigint;
  readonly data: Uint8Array;
}

/** A signed transaction of somebody who pays, moves stake and comes out of jail, as people do. */
export function anyTransaction(
  { validators, genesis }: SimulatedChain,
  { id, ownerSecretKey }: SimulatedValidator,
  nonce: number,
  random: Prng,
): Uint8Array {
  const somebody = random.pick(validators).id;
  const amount = MILLI_OGPU * BigInt(1 + random.below(100));
  const stake = (data: Uint8Array, value = 0n): Plan => ({ to: MODULE_ADDRESSES.staking, value, data });
  const plans: readonly (() => Plan)[] = [
    () => ({ to: somebody, value: amount, data: new Uint8Array(0) }),
    () => ({ to: random.bytes(20), value: amount, data: new Uint8Array(0) }),
    () => stake(encodeCall(delegate, [somebody]), amount * 1_000n),
    () => stake(encodeCall(undelegate, [id, amount * 1_000n])),
    () => stake(encodeCall(unjail, [id])),
  ];
  const signed = signTransaction(
    {
      type: 'eip1559',
      chainId: BigInt(genesis.chainId),
      nonce: BigInt(nonce),
      gasLimit: 400_000n,
      maxFeePerGas: 1_000n * GWEI,
      maxPriorityFeePerGas: GWEI,
      accessList: [],
      ...random.pick(plans)(),
    },
    ownerSecretKey,
  );
  return encodeTransaction(signed);
}
