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
export { moduleRevertOf, modules, type ModuleRevert } from './modules.js';
export { nodeErrorOf, type NodeRefusal } from '../rpc/errors/refusal.js';
export { LightError } from '../consensus/light/errors.js';
export { ProofError } from '../state/tree/proof.js';
export {
  jobIdFor,
  jobResult,
  postJob,
  prepareJob,
  watchJob,
  type Explanation,
  type NewJob,
  type PostedJob,
} from './jobs.js';
export { registerSource, waitForSource, type NewSource, type RegisteredSource } from './sources.js';
export type { Wallet } from './sending.js';
export { JobError } from '../rpc/jobs/errors.js';
export { jobKeyOf, type JobRequest, type PreparedJob } from '../rpc/jobs/prepare.js';
export type { JobResult, ResultOptions } from '../rpc/jobs/result.js';
export type { WatchOptions } from '../rpc/jobs/watch.js';
export type { OpeningOptions } from '../rpc/jobs/opening.js';
export { planJob, type JobPlan, type Segmentation } from '../protocol/graph/segmentation.js';
