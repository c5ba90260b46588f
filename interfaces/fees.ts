/** Where the protocol module fees lives, on every oGPU chain. */
export const feesAddress = '0x0000000000000000000000006f67707500000002';

export const feesAbi = [
  {"type":"function","name":"baseFee","inputs":[],"outputs":[{"name":"weiPerGas","type":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"reserve","inputs":[],"outputs":[{"name":"balanceWei","type":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"verifierPool","inputs":[],"outputs":[{"name":"balanceWei","type":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"unsettledRewards","inputs":[],"outputs":[{"name":"amountWei","type":"uint256"}],"stateMutability":"view"},
  {"type":"function","name":"fundVerifierPool","inputs":[],"outputs":[],"stateMutability":"payable"},
  {"type":"event","name":"EmissionPaid","inputs":[{"name":"epoch","type":"uint64","indexed":true},{"name":"amountWei","type":"uint256","indexed":false}]},
  {"type":"event","name":"VerifierPoolFunded","inputs":[{"name":"from","type":"address","indexed":true},{"name":"amountWei","type":"uint256","indexed":false}]},
  {"type":"error","name":"UnknownFunction","inputs":[{"name":"selector","type":"bytes"}]},
  {"type":"error","name":"InvalidCalldata","inputs":[{"name":"reason","type":"string"}]},
  {"type":"error","name":"NotPayable","inputs":[]},
] as const;
