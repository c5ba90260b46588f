import { PRESETS } from '../protocol/presets.js';
import { RpcChain } from '../test/support/rpc-chain.js';

/** A node of ours in a process of its own: says where it is, and ends with its parent. */
const chain = await RpcChain.start({
  validators: 4,
  blockAfterMs: PRESETS.devnet.params.consensus.blockIntervalMinMs,
  pool: {
    maxSenderCount: 20_000,
    maxSenderBytes: 16 * 1024 * 1024,
    maxCount: 65_536,
    maxExemptCount: 65_000,
  },
});
for (let i = 0; i < 20; i++) await chain.mine();
const privateKeys = chain.rich.map(({ privateKey }) => privateKey);
process.stdout.write(
  `${JSON.stringify({ port: chain.server.port, chainId: PRESETS.devnet.chainId, privateKeys })}\n`,
);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
