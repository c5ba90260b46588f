import type { z } from 'zod';
import type { BlobShape } from './methods/blobs.js';
import type { ParamsShape, SupplyShape } from './methods/economy.js';
import type { GiftShape } from './methods/faucet.js';
import type { AuditShape, ExplanationShape, JobShape } from './methods/jobs.js';
import type { AssignmentShape, JobOfferShape } from './methods/offers.js';
import type { AttestedSourceShape, ProviderShape, SourceGraphShape, SourceShape } from './methods/market.js';
import type {
  AccountProofShape,
  CommitShape,
  HeaderShape,
  LightBlockShape,
  ReceiptProofShape,
} from './methods/proofs.js';
import type { DelegationShape, RewardShape, UnbondingShape } from './methods/staking.js';
import type { PeerShape, StatusShape } from './methods/status.js';
import type { ValidatorShape } from './methods/validators.js';

/** Results of this chain's own methods as they are sent; amounts are wei in decimal text. */
export interface OgpuResults {
  readonly ogpu_status: z.input<typeof StatusShape>;
  readonly ogpu_peers: readonly z.input<typeof PeerShape>[];
  readonly ogpu_validators: {
    readonly validators: readonly z.input<typeof ValidatorShape>[];
    readonly next: string | null;
  };
  readonly ogpu_validator: z.input<typeof ValidatorShape>;
  readonly ogpu_delegations: {
    readonly delegations: readonly z.input<typeof DelegationShape>[];
    readonly next: string | null;
  };
  readonly ogpu_unbondings: {
    readonly unbondings: readonly z.input<typeof UnbondingShape>[];
    readonly next: string | null;
  };
  readonly ogpu_rewards: {
    readonly rewards: readonly z.input<typeof RewardShape>[];
    readonly totalWei: string;
    readonly next: string | null;
  };
  readonly ogpu_providers: {
    readonly providers: readonly z.input<typeof ProviderShape>[];
    readonly next: string | null;
  };
  readonly ogpu_provider: z.input<typeof ProviderShape>;
  readonly ogpu_sources: {
    readonly sources: readonly z.input<typeof SourceShape>[];
    readonly next: string | null;
  };
  readonly ogpu_jobs: {
    readonly jobs: readonly z.input<typeof JobShape>[];
    readonly next: string | null;
  };
  readonly ogpu_job: z.input<typeof JobShape>;
  readonly ogpu_audit: z.input<typeof AuditShape>;
  readonly ogpu_explainJob: z.input<typeof ExplanationShape>;
  readonly ogpu_jobOffers: {
    readonly offers: readonly z.input<typeof JobOfferShape>[];
    readonly next: string | null;
  };
  readonly ogpu_assignments: {
    readonly assignments: readonly z.input<typeof AssignmentShape>[];
    readonly next: string | null;
  };
  readonly ogpu_source: z.input<typeof AttestedSourceShape>;
  readonly ogpu_sourceGraph: z.input<typeof SourceGraphShape>;
  readonly ogpu_params: z.input<typeof ParamsShape>;
  readonly ogpu_supply: z.input<typeof SupplyShape>;
  readonly ogpu_header: z.input<typeof HeaderShape>;
  readonly ogpu_commit: z.input<typeof CommitShape>;
  readonly ogpu_lightBlock: z.input<typeof LightBlockShape>;
  readonly ogpu_getAccountProof: z.input<typeof AccountProofShape>;
  readonly ogpu_getReceiptProof: z.input<typeof ReceiptProofShape> | null;
  readonly ogpu_faucet: z.input<typeof GiftShape>;
  readonly ogpu_blob: z.input<typeof BlobShape>;
}
