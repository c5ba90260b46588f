export { ogpuActions, type BlockSelector, type OgpuActions, type Page } from './actions.js';
export {
  BlobHasher,
  BlobTransferError,
  downloadBlob,
  uploadBlob,
  type BlobNode,
  type DownloadOptions,
  type UploadedBlobInfo,
  type UploadSource,
} from '../rpc/blobs/transfer.js';
export { addChainParameters, ogpuChain, type AddChainParameters } from './chains.js';
export {
  LightAnswerError,
  LightClient,
  type LightClientOptions,
  type LightStart,
  type ProvenAccount,
  type ProvenReceipt,
} from './light-client.js';
export { moduleRevertOf, modules, nodeErrorOf, type ModuleRevert } from './modules.js';
export { LightError } from '../consensus/light/errors.js';
export { ProofError } from '../state/tree/proof.js';
