import { MAX_UPGRADES } from './limits.js';
import { PARAMETER_GROUPS, parameterSpecs } from './params-check.js';
import type { ChainParams } from './params.js';
import { createCodec, type Codec } from './ssz/codec.js';
import { ContainerType, listOf, uint128, uint32, uint64 } from './ssz/types.js';

const UpgradeType = new ContainerType({ protocolVersion: uint32, activationHeight: uint64 });

function groupType(
  group: (typeof PARAMETER_GROUPS)[number],
): ContainerType<Record<string, typeof uint64 | typeof uint128>> {
  return new ContainerType(
    Object.fromEntries(
      parameterSpecs(group).map(([name, spec]) => [name, spec.kind === 'wei' ? uint128 : uint64]),
    ),
  );
}

/** A container with a field per group, each with a field per parameter in the order of the table, and the upgrades last. */
const ChainParamsType = new ContainerType({
  ...Object.fromEntries(PARAMETER_GROUPS.map((group) => [group, groupType(group)])),
  upgrades: listOf(UpgradeType, MAX_UPGRADES),
});

/** SSZ encoding and root of a parameter set; the root is part of the genesis id. */
export const chainParamsCodec = createCodec('ChainParams', ChainParamsType) as unknown as Codec<ChainParams>;
