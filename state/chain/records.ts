import { MAX_RECEIPTS_BYTES } from '../../protocol/limits.js';
import { createCodec, type Codec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, uint32, uint64, uint8, type ValueOf } from '../../protocol/ssz/types.js';
import { BlockReceiptsType } from '../../protocol/types/receipt.js';
import { StoreError } from '../store/errors.js';

const HeadType = new ContainerType({ height: uint64, id: bytes32, stateRoot: bytes32 });
const TailType = new ContainerType({ height: uint64, compacted: uint64 });
const PlaceType = new ContainerType({ height: uint64, index: uint32 });
const LogPlaceType = new ContainerType({ section: uint8, transactionIndex: uint32, index: uint32 });
const SystemLogsType = new ContainerType({
  beginLogs: BlockReceiptsType.fields.beginLogs,
  endLogs: BlockReceiptsType.fields.endLogs,
});

/** The last final block. */
export type Head = Readonly<ValueOf<typeof HeadType>>;
/** Where history begins, and where it began when the disk last got space back. */
export type Tail = Readonly<ValueOf<typeof TailType>>;
/** Where a transaction stands. */
export type Place = Readonly<ValueOf<typeof PlaceType>>;
/** What a block's system phases logged, before its first transaction and after its last. */
export type SystemLogs = ValueOf<typeof SystemLogsType>;

/** Where in its block a log stands: the `index`-th of the logs of a system phase, or of a transaction. */
export type LogPlace =
  | { readonly section: 'begin' | 'end'; readonly index: number }
  | { readonly section: 'transaction'; readonly transactionIndex: number; readonly index: number };

export const headCodec = createCodec<Head>('Head', HeadType);
export const tailCodec = createCodec<Tail>('Tail', TailType);
export const placeCodec = createCodec<Place>('Place', PlaceType);
export const systemLogsCodec = createCodec<SystemLogs>('SystemLogs', SystemLogsType, {
  maxBytes: MAX_RECEIPTS_BYTES,
});

/** In the order of the block: a section is stored as its number in this list. */
const SECTIONS = ['begin', 'transaction', 'end'] as const;

const storedLogPlaceCodec = createCodec<ValueOf<typeof LogPlaceType>>('LogPlace', LogPlaceType);

/** The transaction index of a log of a system phase is stored as zero. */
export const logPlaceCodec: Pick<Codec<LogPlace>, 'encode' | 'decode'> = {
  encode: (place) =>
    storedLogPlaceCodec.encode({
      section: SECTIONS.indexOf(place.section),
      transactionIndex: place.section === 'transaction' ? place.transactionIndex : 0,
      index: place.index,
    }),
  decode: (bytes) => {
    const { section: number, transactionIndex, index } = storedLogPlaceCodec.decode(bytes);
    const section = SECTIONS[number];
    if (section === 'transaction') return { section, transactionIndex, index };
    if (section === undefined || transactionIndex !== 0)
      throw new StoreError('STORE_CORRUPT', 'not the place of a log', { section: number, transactionIndex });
    return { section, index };
  },
};
