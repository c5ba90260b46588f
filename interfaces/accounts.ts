/** Where the protocol module accounts lives, on every oGPU chain. */
export const accountsAddress = '0x0000000000000000000000006f67707500000001';

export const accountsAbi = [
  {"type":"function","name":"balanceOf","inputs":[{"name":"account","type":"address"}],"outputs":[{"name":"balanceWei","type":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"nonceOf","inputs":[{"name":"account","type":"address"}],"outputs":[{"name":"nonce","type":"uint64"}],"stateMutability":"view"},
  {"type":"function","name":"totalSupply","inputs":[],"outputs":[{"name":"supplyWei","type":"uint256"}],"stateMutability":"view"},
  {"type":"error","name":"UnknownFunction","inputs":[{"name":"selector","type":"bytes"}]},
  {"type":"error","name":"InvalidCalldata","inputs":[{"name":"reason","type":"string"}]},
  {"type":"error","name":"NotPayable","inputs":[]},
] as const;
