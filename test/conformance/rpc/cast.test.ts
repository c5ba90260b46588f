import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatWeb3, sealWeb3 } from '../../../node/keys/web3-secret-storage.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { fromHex } from '../../../protocol/bytes.js';
import { stakingAddress } from '../../../interfaces/staking.js';
import { CAST_UNAVAILABLE, castAsync } from '../../support/cast.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { richOf } from '../../support/rpc-wallet.js';

const RECIPIENT = '0xcDCdcdCdcdCdCDCdcdcdcdCDcDCDcDcdcdcdcDCd';
const PASSWORD = 'correct horse battery staple';

describe('cast', { skip: CAST_UNAVAILABLE ?? false }, () => {
  let chain: RpcChain;
  let folder: string;
  let keystore: string[];
  let validator: string;

  /** What a command prints that succeeds. */
  const cast = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await castAsync(args, { ETH_RPC_URL: chain.server.url });
    assert.equal(status, 0, `cast ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const fails = async (...args: string[]): Promise<string> => {
    const { status, stderr } = await castAsync(args, { ETH_RPC_URL: chain.server.url });
    assert.notEqual(status, 0, `cast ${args.join(' ')}`);
    return stderr;
  };

  before(async () => {
    chain = await RpcChain.start({ validators: 2 });
    validator = toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20));
    folder = await mkdtemp(join(tmpdir(), 'ogpu-cast-'));
    const path = join(folder, 'key.json');
    const sealed = await sealWeb3(fromHex(richOf(chain, 0).privateKey), PASSWORD, {
      kdf: { function: 'scrypt', n: 4_096, r: 8, p: 1 },
      id: randomUUID(),
    } as never);
    await writeFile(path, formatWeb3(sealed));
    keystore = ['--keystore', path, '--password', PASSWORD];
  });
  after(async () => {
    await chain.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('the chain, its blocks and its fees', async () => {
    assert.equal(await cast('chain-id'), '64782');
    assert.match(await cast('client'), /^ogpu\//);
    await chain.mine();
    assert.equal(await cast('block-number'), String(chain.height));
    assert.equal(await cast('block', 'latest', '--field', 'number'), String(chain.height));
    assert.equal(
      await cast('block', 'finalized', '--field', 'hash'),
      await cast('block', 'latest', '--field', 'hash'),
    );
    assert.ok(BigInt(await cast('gas-price')) > 0n);
    assert.ok(BigInt(await cast('base-fee')) > 0n);
    assert.notEqual(await cast('code', stakingAddress), '0x');
    assert.equal(await cast('rpc', 'eth_syncing'), 'false');
  });

  test('transfers with a keystore of this software, of each type it sends', async () => {
    for (const flags of [[], ['--legacy']]) {
      const before = BigInt(await cast('balance', RECIPIENT));
      const receipt = JSON.parse(
        await cast('send', ...keystore, ...flags, '--json', '--value', '1ether', RECIPIENT),
      ) as Record<string, string>;
      assert.equal(receipt['status'], '0x1');
      assert.equal(BigInt(await cast('balance', RECIPIENT)), before + 10n ** 18n);
      const hash = receipt['transactionHash'] ?? '';
      assert.equal(await cast('receipt', hash, 'status'), 'true');
      assert.equal(
        await cast('tx', hash, 'nonce'),
        String(Number(await cast('nonce', richOf(chain, 0).address)) - 1),
      );
    }
  });

  test('the staking module: send, call, estimate, logs', async () => {
    await cast('send', ...keystore, '--value', '1000', stakingAddress, 'delegate(address)', validator);
    const sender = richOf(chain, 0).address;
    const stake = await cast(
      'call',
      stakingAddress,
      'delegation(address,address)(uint256,uint256,uint256,uint64)',
      validator,
      sender,
    );
    assert.equal(stake.split('\n')[0]?.split(' ')[0], '1000');
    const gas = await cast(
      'estimate',
      '--from',
      sender,
      '--value',
      '5',
      stakingAddress,
      'delegate(address)',
      validator,
    );
    assert.ok(Number(gas) > 21_000);
    const logs = JSON.parse(
      await cast(
        'logs',
        '--json',
        '--from-block',
        '0',
        '--address',
        stakingAddress,
        'Delegated(address indexed,address indexed,uint256,uint256)',
      ),
    ) as unknown[];
    assert.equal(logs.length, 1);
  });

  test('reverts and refusals are understood', async () => {
    const sender = richOf(chain, 0).address;
    const reverted = await fails(
      'call',
      '--from',
      sender,
      stakingAddress,
      'undelegate(address,uint256)',
      validator,
      '1000000',
    );
    assert.match(reverted, /execution reverted/);
    const spent = await fails(
      'send',
      ...keystore,
      '--nonce',
      '0',
      '--gas-limit',
      '21000',
      '--value',
      '1',
      RECIPIENT,
    );
    assert.match(spent, /nonce too low/);
    const poor = await fails('send', ...keystore, '--value', '9000000ether', RECIPIENT);
    assert.match(poor, /insufficient funds/);
  });
});
