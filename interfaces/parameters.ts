/** Where the protocol module parameters lives, on every oGPU chain. */
export const parametersAddress = '0x0000000000000000000000006f67707500000003';

export const parametersAbi = [
  {"type":"function","name":"parameter","inputs":[{"name":"group","type":"string"},{"name":"name","type":"string"}],"outputs":[{"name":"value","type":"uint256"}],"stateMutability":"view"},
  {"type":"error","name":"UnknownParameter","inputs":[{"name":"group","type":"string"},{"name":"name","type":"string"}]},
  {"type":"error","name":"UnknownFunction","inputs":[{"name":"selector","type":"bytes"}]},
  {"type":"error","name":"InvalidCalldata","inputs":[{"name":"reason","type":"string"}]},
  {"type":"error","name":"NotPayable","inputs":[]},
] as const;
