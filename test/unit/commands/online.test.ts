import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Quantity } from '../../../node/client/answers.js';
import { ClientError } from '../../../node/client/errors.js';
import { explainRevert } from '../../../node/client/revert-reason.js';
import { RpcClient } from '../../../node/client/rpc-client.js';
import { faucetCommand } from '../../../node/commands/faucet.js';
import { sendCommand, txCommand } from '../../../node/commands/send.js';
import { stakeCommand } from '../../../node/commands/stake.js';
import { peersCommand, statusCommand } from '../../../node/commands/status.js';
import { validatorCommand } from '../../../node/commands/validator.js';
import { storeAccountKey, storeValidatorKey } from '../../../node/keys/keyring.js';
import { encodeRevert } from '../../../protocol/abi/items.js';
import { toChecksumAddress } from '../../../protocol/address.js';
import { WEI_PER_OGPU } from '../../../protocol/amounts.js';
import { fromHex } from '../../../protocol/bytes.js';
import { OgpuError } from '../../../protocol/errors.js';
import { stakingModule } from '../../../state/modules/staking.js';
import { runCommand, type CommandRun } from '../../support/commands.js';
import { RpcChain } from '../../support/rpc-chain.js';
import { LIGHT_SCRYPT, temporaryFolder } from '../keys/support.js';

const PASSWORD = 'correct horse';

type Make = Parameters<typeof runCommand>[0];
type Json = Record<string, unknown>;

/** The keys of somebody with money on the chain, and commands that sign with them. */
interface Place {
  readonly keys: string;
  readonly owner: string;
  readonly sign: (make: Make, ...args: string[]) => Promise<CommandRun>;
  readonly signed: (make: Make, ...args: string[]) => Promise<Json>;
}

async function place(t: TestContext, rich = 0): Promise<Place> {
  const keys = join(await temporaryFolder(t), 'keys');
  const account = chain.rich[rich];
  assert(account !== undefined);
  await storeAccountKey(keys, fromHex(account.privateKey), PASSWORD, { kdf: LIGHT_SCRYPT });
  const sign: Place['sign'] = (make, ...args) =>
    runCommand(make, [...args, '--rpc-url', chain.server.url, '--dir', keys]);
  return {
    keys,
    sign,
    owner: toChecksumAddress(fromHex(account.address)),
    signed: async (make, ...args) => jsonOf(await sign(make, ...args, '--json')),
  };
}

function ask(make: Make, ...args: string[]): Promise<CommandRun> {
  return runCommand(make, [...args, '--rpc-url', chain.server.url]);
}

async function asked(make: Make, ...args: string[]): Promise<Json> {
  return jsonOf(await ask(make, ...args, '--json'));
}

function jsonOf({ out, error }: CommandRun): Json {
  assert.equal(error, undefined, String(error));
  return JSON.parse(out) as Json;
}

let chain: RpcChain;
before(async () => {
  chain = await RpcChain.start({ hasFaucet: true });
});
after(() => chain.close());

const OTHER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

describe('ogpu send', () => {
  test('sends, waits until it is final, and says what it cost', async (t) => {
    const { signed, owner } = await place(t);
    const report = await signed(sendCommand, OTHER, '1.5');
    assert.equal(report['from'], owner);
    assert.equal(report['final'], true);
    const balance = await chain.ask<string>('eth_getBalance', [OTHER]);
    assert.equal(BigInt(balance), (3n * WEI_PER_OGPU) / 2n);
    const receipt = await ask(txCommand, String(report['hash']));
    assert.match(receipt.out, /^final in {2}block \d+\noutcome {3}done\nfee {7}0\.0000\d+ OGPU\n$/);
  });

  test('for people, amounts are OGPU', async (t) => {
    const { sign } = await place(t);
    const { out } = await sign(sendCommand, OTHER, '0.25');
    assert.match(
      out,
      /^0\.25 OGPU sent to 0x70997970C51812dc3A010C7d01b50e0d17dc79C8\ntransaction {2}0x[0-9a-f]{64}\n/,
    );
  });

  test('refuses what cannot be meant', async (t) => {
    const { sign } = await place(t);
    for (const [to, amount] of [
      [OTHER, '0'],
      [OTHER, '1e5'],
      [OTHER, '0.0000000000000000001'],
      ['0x70997970C51812dc3A010C7d01b50e0d17dc79c8', '1'],
      ['nobody', '1'],
    ] as const)
      assert.equal(
        (await sign(sendCommand, to, amount)).code,
        'commander.invalidArgument',
        `${to} ${amount}`,
      );
  });

  test('more than there is, is refused by the node with its figures', async (t) => {
    const { sign } = await place(t);
    const { error, code } = await sign(sendCommand, OTHER, '20000000');
    assert.equal(code, 'RPC_REFUSED');
    assert.match(String(error), /insufficient funds/);
  });

  test('a wrong password, a key of another kind, no key', async (t) => {
    const { keys, sign } = await place(t);
    const where = ['--rpc-url', chain.server.url, '--dir', keys];
    const wrong = await runCommand(sendCommand, [OTHER, '1', ...where], 'another password');
    assert.equal(wrong.code, 'KEYSTORE_PASSWORD_WRONG');
    await storeValidatorKey(keys, fromHex(`0x${'01'.repeat(32)}`), PASSWORD, { kdf: LIGHT_SCRYPT });
    const kind = await sign(sendCommand, OTHER, '1', '--from', 'validator-');
    assert.equal(kind.code, 'CLIENT_KEY_KIND');
    const none = await sign(sendCommand, OTHER, '1', '--from', 'account-0x00');
    assert.equal(none.code, 'KEYRING_KEY_NOT_FOUND');
  });

  test('what is not waited for, or not final in time, says so', async (t) => {
    const { signed } = await place(t, 1);
    const { final, hash } = await signed(sendCommand, OTHER, '1', '--wait', '0');
    assert.equal(final, false);
    assert.match(String(hash), /^0x[0-9a-f]{64}$/);
    const missing = await ask(txCommand, `0x${'ab'.repeat(32)}`);
    assert.equal(missing.code, 'TRANSACTION_PENDING');
  });
});

describe('ogpu stake', () => {
  test('delegates, shows, takes back, cancels and claims', async (t) => {
    const { signed, owner } = await place(t, 2);
    const validator = toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20));
    await signed(stakeCommand, 'delegate', validator, '100');
    const staked = await asked(stakeCommand, 'list', owner);
    const [delegation] = staked['delegations'] as { validator: string; stakeWei: string }[];
    assert.deepEqual(
      [delegation?.validator, delegation?.stakeWei],
      [validator, (100n * WEI_PER_OGPU).toString()],
    );
    await signed(stakeCommand, 'undelegate', validator, '40');
    const { out } = await ask(stakeCommand, 'list', owner);
    assert.match(out, new RegExp(`^validator +stake \\(OGPU\\) +rewards \\(OGPU\\)\n${validator} +60 `));
    assert.match(out, /on its way out[^\n]+\n\d+ +0x\w+ +40 +20\d\d-/);
    const [unbonding] = (await asked(stakeCommand, 'list', owner))['unbondings'] as { number: number }[];
    await signed(stakeCommand, 'cancel', String(unbonding?.number));
    assert.deepEqual((await asked(stakeCommand, 'list', owner))['unbondings'], []);
    await signed(stakeCommand, 'claim', validator);
    await signed(stakeCommand, 'undelegate', validator, 'all');
  });

  test('what a module refuses is told as a sentence, and costs nothing', async (t) => {
    const { sign, owner } = await place(t, 3);
    const validator = toChecksumAddress(chain.members[0]?.owner ?? new Uint8Array(20));
    const before = await chain.ask<string>('eth_getBalance', [owner]);
    const unknown = await sign(stakeCommand, 'delegate', OTHER, '1');
    assert.equal(unknown.code, 'CALL_REVERTED');
    assert(unknown.error instanceof OgpuError);
    assert.equal(unknown.error.message, `No validator has this address. (validator ${OTHER})`);
    assert.deepEqual(unknown.error.data, { error: 'UnknownValidator', validator: OTHER });
    const none = await sign(stakeCommand, 'undelegate', validator, '1');
    assert.match(String(none.error), /There is no such delegation\./);
    assert.equal(await chain.ask<string>('eth_getBalance', [owner]), before);
  });
});

describe('ogpu validator', () => {
  test('registers, shows and edits', async (t) => {
    const { signed, sign, owner, keys } = await place(t, 4);
    const newKey = async (byte: string): Promise<string> => {
      const secret = fromHex(`0x${byte.repeat(32)}`);
      return (await storeValidatorKey(keys, secret, PASSWORD, { kdf: LIGHT_SCRYPT })).file;
    };
    const [first, second] = [await newKey('11'), await newKey('12')];
    await signed(
      validatorCommand,
      'create',
      '--key',
      first,
      '--name',
      'alice',
      '--stake',
      '500',
      '--commission',
      '300',
    );
    const made = await asked(validatorCommand, 'status', owner);
    assert.deepEqual(
      [made['name'], made['stakeWei'], made['keyCount']],
      ['alice', (500n * WEI_PER_OGPU).toString(), 1],
    );
    const again = await sign(validatorCommand, 'create', '--key', second, '--name', 'bob', '--stake', '500');
    assert.match(String(again.error), /The address has a validator already\./);
    await signed(validatorCommand, 'edit', 'payout', OTHER);
    assert.equal((await asked(validatorCommand, 'status', owner))['payout'], OTHER);
    const early = await sign(validatorCommand, 'edit', 'commission', '400');
    assert.match(String(early.error), /less than a day ago.*allowed from 20\d\d-/s);
    const pending = await sign(validatorCommand, 'rotate-key', owner, '--key', second);
    assert.match(String(pending.error), /try again in the one named/);
    const list = await ask(validatorCommand, 'list');
    assert.match(list.out, /^validator +name +status +stake \(OGPU\) +commission\n0x/);
    assert.match(list.out, new RegExp(`${owner} +alice +(?:active|waiting) +500 +`));
    const unjail = await sign(validatorCommand, 'unjail', owner);
    assert.match(String(unjail.error), /The validator is not in jail\./);
  });

  test('changes the key it signs with', async (t) => {
    const { signed, keys } = await place(t, 5);
    const [member] = chain.members;
    assert(member !== undefined);
    const owner = toChecksumAddress(member.owner);
    await signed(sendCommand, owner, '10');
    const sealed = await storeAccountKey(keys, member.ownerSecretKey, PASSWORD, { kdf: LIGHT_SCRYPT });
    const secret = fromHex(`0x${'13'.repeat(32)}`);
    const key = await storeValidatorKey(keys, secret, PASSWORD, { kdf: LIGHT_SCRYPT });
    await signed(validatorCommand, 'rotate-key', owner, '--key', key.file, '--from', sealed.file);
    assert.equal((await asked(validatorCommand, 'status', owner))['keyCount'], 2);
  });
});

test('ogpu status, peers and faucet', async () => {
  chain.status = {
    syncing: { startingHeight: 0, highestHeight: 900 },
    peers: [{ id: '12D3KooW', address: '/ip4/10.0.0.9/tcp/1', direction: 'inbound', height: 7 }],
    validator: chain.members[0]?.owner,
  };
  const where = ['--rpc-url', chain.server.url];
  const status = await runCommand(statusCommand, where);
  assert.match(status.out, /state +catches up: \d+ of 900\n/);
  assert.match(status.out, /signs for +0x/);
  const peers = await runCommand(peersCommand, where);
  assert.match(
    peers.out,
    /^peer +height +direction +validator +address\n12D3KooW +7 +inbound +- +\/ip4\/10\.0\.0\.9\/tcp\/1\n$/,
  );
  const gift = await runCommand(faucetCommand, [OTHER, ...where, '--json']);
  assert.equal((JSON.parse(gift.out) as { amountWei: string }).amountWei, (10n * WEI_PER_OGPU).toString());
  const soon = await runCommand(faucetCommand, [OTHER, ...where]);
  assert.equal(soon.code, 'RPC_REFUSED');
});

describe('a node that is none', () => {
  test('nobody answers', async () => {
    const { code, error } = await runCommand(statusCommand, ['--rpc-url', 'http://127.0.0.1:1']);
    assert.equal(code, 'RPC_UNREACHABLE');
    assert(error instanceof OgpuError && String(error.data['cure']).includes('--rpc-url'));
  });

  for (const [name, body] of [
    ['a page', '<html></html>'],
    ['another shape', '{"jsonrpc":"2.0","id":1,"result":{"chainId":"many"}}'],
    ['no result', '{"jsonrpc":"2.0","id":1}'],
    ['a number', '7'],
  ] as const) {
    test(name, async (t) => {
      const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
      t.after(() => server.close());
      await new Promise((resolve) => server.once('listening', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      assert.equal((await runCommand(statusCommand, ['--rpc-url', url])).code, 'RPC_ANSWER_INVALID');
    });
  }
});

test('an answer without an end is given up; a password in the address is sent, and told to nobody', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    const write = (): void => {
      while (response.writable && response.write('x'.repeat(65_536)));
      response.once('drain', write);
    };
    write();
  }).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new RpcClient(`http://me:hidden@127.0.0.1:${port}`, { maxAnswerBytes: 1_000_000 });
  const error: unknown = await client.call('eth_chainId', [], Quantity).catch((cause: unknown) => cause);
  assert(error instanceof ClientError);
  assert.equal(error.code, 'RPC_ANSWER_INVALID');
  assert(!JSON.stringify(error.data).includes('hidden'));
  assert.deepEqual(seen, [`Basic ${Buffer.from('me:hidden').toString('base64')}`]);
});

test('every error of the modules is told with its values in words', () => {
  const error = stakingModule.errors.find(({ item }) => item.name === 'InsufficientStake');
  assert(error !== undefined);
  const told = explainRevert(encodeRevert(error, [2n * WEI_PER_OGPU, WEI_PER_OGPU / 2n]));
  assert.equal(
    told.text,
    'The delegation is worth less than what was asked for. (requested 2 OGPU, available 0.5 OGPU)',
  );
  assert.deepEqual(told.values, { requestedWei: '2000000000000000000', availableWei: '500000000000000000' });
  assert.equal(explainRevert(Uint8Array.of(1, 2, 3, 4)).name, undefined);
  assert.equal(explainRevert(error.selector).name, undefined);
});
