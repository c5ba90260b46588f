import { toChecksumAddress } from '../../protocol/address.js';
import { toHex } from '../../protocol/bytes.js';
import { decodeTransaction } from '../../protocol/transactions/decode.js';
import { recoverSender } from '../../protocol/transactions/recover.js';
import { feeCapPerGas } from '../../protocol/transactions/types.js';
import { blockCodec, type Block } from '../../protocol/types/block.js';
import { blockId } from '../../protocol/types/header.js';
import { decodeAccount } from '../../state/accounts/account.js';
import { readReceipts } from '../../state/chain/receipts.js';
import { NODE_KEYS, STATE_KEYS } from '../../state/store/keys.js';
import type { Store } from '../../state/store/store.js';

/** A line of an export: amounts and other large numbers are decimal text. */
export type Row = Readonly<Record<string, string | number | null>>;

export interface HeightRange {
  readonly from: number;
  readonly to: number;
}

/** A line for each block of a range, ascending. */
export async function* blockRows(store: Store, range: HeightRange): AsyncGenerator<Row> {
  for await (const { header, body } of blocks(store, range)) {
    yield {
      height: header.height,
      id: toHex(blockId(header)),
      parentId: toHex(header.parentId),
      timeMs: header.timeMs,
      round: header.round,
      proposer: toChecksumAddress(header.proposer),
      transactions: body.transactions.length,
      evidence: body.evidence.length,
      gasUsed: header.gasUsed,
      gasLimit: header.gasLimit,
      baseFeeWei: header.baseFeeWei.toString(),
      stateRoot: toHex(header.stateRoot),
      receiptsRoot: toHex(header.receiptsRoot),
    };
  }
}

/** A line for each transaction of the blocks of a range, in their order. Senders are recovered from the signatures. */
export async function* transactionRows(
  store: Store,
  range: HeightRange,
  chainId: number,
): AsyncGenerator<Row> {
  for await (const { header, body } of blocks(store, range)) {
    const outcome = await readReceipts(store, header.height);
    let gasBefore = 0;
    for (const [index, envelope] of body.transactions.entries()) {
      const { transaction, hash, signingHash } = decodeTransaction(envelope, { chainId: BigInt(chainId) });
      const receipt = outcome?.receipts[index];
      const gasUsed = receipt && receipt.cumulativeGasUsed - gasBefore;
      gasBefore = receipt?.cumulativeGasUsed ?? gasBefore;
      yield {
        hash: toHex(hash),
        height: header.height,
        index,
        timeMs: header.timeMs,
        type: transaction.type,
        from: toChecksumAddress(recoverSender(signingHash, transaction.signature)),
        to: transaction.to === undefined ? null : toChecksumAddress(transaction.to),
        nonce: transaction.nonce.toString(),
        valueWei: transaction.value.toString(),
        feeCapWei: feeCapPerGas(transaction).toString(),
        gasLimit: transaction.gasLimit.toString(),
        gasUsed: gasUsed ?? null,
        status: receipt?.status ?? null,
        input: toHex(transaction.data),
      };
    }
  }
}

/** A line for each account of the last final state, in the order of the addresses. */
export async function* accountRows(store: Store): AsyncGenerator<Row> {
  for await (const page of store.range({ ...STATE_KEYS.account.range(), limit: Number.MAX_SAFE_INTEGER })) {
    for (const { key, value } of page) {
      const [address] = STATE_KEYS.account.decode(key);
      const { nonce, balanceWei } = decodeAccount(value);
      yield { address: toChecksumAddress(address), nonce, balanceWei: balanceWei.toString() };
    }
  }
}

async function* blocks(store: Store, { from, to }: HeightRange): AsyncGenerator<Block> {
  const [gte, lt] = [NODE_KEYS.block.encode(from), NODE_KEYS.block.encode(to + 1)];
  for await (const page of store.range({ gte, lt, limit: Number.MAX_SAFE_INTEGER }))
    for (const { value } of page) yield blockCodec.decode(value);
}
