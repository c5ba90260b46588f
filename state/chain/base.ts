import { createCodec } from '../../protocol/ssz/codec.js';
import { ContainerType, uint64, type ValueOf } from '../../protocol/ssz/types.js';
import { blockCodec, type Block } from '../../protocol/types/block.js';
import { extendedCommitCodec, type ExtendedCommit } from '../../protocol/types/commit.js';
import { blockId } from '../../protocol/types/header.js';
import { ValidatorSetType } from '../../protocol/types/validators.js';
import { NODE_KEYS } from '../store/keys.js';
import type { Change, Reader } from '../store/store.js';
import { BEGUN_KEY } from './beginning.js';
import { HEAD_KEY, TAIL_KEY } from './marks.js';
import { headCodec, tailCodec } from './records.js';

const BaseType = new ContainerType({
  height: uint64,
  /** Decided the height before: part of no state that is kept, and needed for late extensions in the first block. */
  previousValidators: ValidatorSetType,
});

/** The block a ledger begins with that was taken over from others. */
export type Base = Readonly<ValueOf<typeof BaseType>>;

const baseCodec = createCodec<Base>('Base', BaseType);
const BASE_KEY = NODE_KEYS.meta.encode('base');

/** Undefined for a ledger that begins with the genesis. */
export function readBase(reader: Reader): Base | undefined {
  const bytes = reader.get(BASE_KEY);
  return bytes === undefined ? undefined : baseCodec.decode(bytes);
}

/**
 * What makes a ledger of a state that was taken over: its block and commit, where history begins, and the head. One batch, after which the
 * ledger is as any other from which all before this block was dropped.
 */
export function baseBatch(
  block: Block,
  commit: ExtendedCommit,
  previousValidators: Base['previousValidators'],
): Change[] {
  const { height, stateRoot } = block.header;
  const first = height + 1;
  return [
    { key: NODE_KEYS.block.encode(height), value: blockCodec.encode(block) },
    { key: NODE_KEYS.commit.encode(height), value: extendedCommitCodec.encode(commit) },
    { key: BASE_KEY, value: baseCodec.encode({ height, previousValidators }) },
    { key: TAIL_KEY, value: tailCodec.encode({ height: first, compacted: first }) },
    { key: BEGUN_KEY, value: undefined },
    { key: HEAD_KEY, value: headCodec.encode({ height, id: blockId(block.header), stateRoot }) },
  ];
}
