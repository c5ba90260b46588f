import { OgpuError } from '../../protocol/errors.js';

/** Why a provider does not start. `data` has a `cure`. */
export class ProviderError extends OgpuError<
  /** The account stands for no provider. */
  | 'PROVIDER_UNKNOWN'
  /** Another process works in the data folder. */
  | 'PROVIDER_FOLDER_LOCKED'
  /** The file of the secret holds something else. */
  | 'PROVIDER_SECRET_DAMAGED'
  /** Results are made up on devnets alone. */
  | 'PROVIDER_CHEAT_REFUSED'
> {}
