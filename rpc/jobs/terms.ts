import type { AbiValue } from '../../protocol/abi/types.js';
import type { PostedTerms } from '../../state/jobs/posting.js';

/** Terms as the tuple that `post` of the jobs module takes. */
export function termsValue(terms: PostedTerms): AbiValue {
  const { source, input, inputId, key, segmentation, segments, sampled, full } = terms;
  const { maxPriceWei, auditFeeWei, valueWei, quoteUntilMs, deadlineMs } = terms;
  return [
    ...[source, input, inputId, key, segmentation, BigInt(segments), BigInt(sampled), full],
    ...[maxPriceWei, auditFeeWei, valueWei, quoteUntilMs, deadlineMs],
  ];
}
