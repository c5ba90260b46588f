import type { Address } from '../../protocol/address.js';

/** Where modules live: "ogpu" in ASCII and a number, below which nobody can have a key. Part of the protocol. */
export const MODULE_ADDRESSES = {
  accounts: moduleAddress(1),
  fees: moduleAddress(2),
  parameters: moduleAddress(3),
  staking: moduleAddress(4),
  providers: moduleAddress(5),
  sources: moduleAddress(6),
  jobs: moduleAddress(7),
} as const;

function moduleAddress(number: number): Address {
  const address = new Uint8Array(20);
  address.set([0x6f, 0x67, 0x70, 0x75], 12);
  address[19] = number;
  return address;
}
