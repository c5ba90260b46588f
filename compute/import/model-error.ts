import { OgpuError } from '../../protocol/errors.js';

export type ModelErrorCode =
  /** The file is not what its format says. */
  | 'MODEL_MALFORMED'
  /** More of something than an importer takes. */
  | 'MODEL_TOO_LARGE'
  /** Well-formed, and of a kind that is not imported: `data.what` names it. */
  | 'MODEL_UNSUPPORTED'
  /** The model leaves sizes of an input open, and nobody has said them. */
  | 'MODEL_SHAPE_OPEN'
  /** Inputs to calibrate with are needed, or do not fit. */
  | 'MODEL_CALIBRATION'
  /** The package that a model comes in is not installed. */
  | 'MODEL_PACKAGE_MISSING'
  /** The process that imports did not come to an end of its own: `data.outcome` says how it ended. */
  | 'MODEL_IMPORT_FAILED';

/** A model file that is refused; `data.where` names the node, tensor or part of the file. */
export class ModelError extends OgpuError<ModelErrorCode> {}

export function malformed(where: string, reason: string): ModelError {
  return new ModelError('MODEL_MALFORMED', `${where}: ${reason}`, { where });
}

export function tooLarge(where: string, what: string, max: number): ModelError {
  return new ModelError('MODEL_TOO_LARGE', `${where}: more than ${max} ${what}`, { where, what, max });
}

export function unsupported(where: string, what: string): ModelError {
  return new ModelError('MODEL_UNSUPPORTED', `${where}: ${what} is not imported`, { where, what });
}
