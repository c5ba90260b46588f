import { createCodec } from '../../protocol/ssz/codec.js';
import { bytes32, ContainerType, uint32, uint64, type ValueOf } from '../../protocol/ssz/types.js';

const HeadType = new ContainerType({ height: uint64, id: bytes32, stateRoot: bytes32 });
const PlaceType = new ContainerType({ height: uint64, index: uint32 });
const LogPlaceType = new ContainerType({ transactionIndex: uint32, indexInTransaction: uint32 });

/** The last final block. */
export type Head = Readonly<ValueOf<typeof HeadType>>;
/** Where a transaction stands. */
export type Place = Readonly<ValueOf<typeof PlaceType>>;
/** Where in its block a log stands. */
export type LogPlace = Readonly<ValueOf<typeof LogPlaceType>>;

export const headCodec = createCodec<Head>('Head', HeadType);
export const placeCodec = createCodec<Place>('Place', PlaceType);
export const logPlaceCodec = createCodec<LogPlace>('LogPlace', LogPlaceType);
