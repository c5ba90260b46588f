import { OgpuError } from '../../protocol/errors.js';

/** Code of the error that `compute` throws; 'none' when it returns. Anything untyped goes through. */
export function codeOf(compute: () => void): string {
  try {
    compute();
  } catch (error) {
    if (error instanceof OgpuError) return String(error.code);
    throw error;
  }
  return 'none';
}
