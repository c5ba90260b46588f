import type { Admission } from './admission.js';
import { errorText, type Dispatcher } from './dispatcher.js';
import { then } from './then.js';

/** What the body of an HTTP request comes to. */
export interface PostAnswer {
  readonly status: 200 | 204 | 429;
  /** JSON; empty with 204, where no answer is wanted. */
  readonly text: string;
}

/** Answers the body of an HTTP request: at once where that is possible. */
export function answerPost(
  { dispatcher, admission }: { readonly dispatcher: Dispatcher; readonly admission: Admission },
  body: string,
  client: string,
): PostAnswer | Promise<PostAnswer> {
  const refusal = admission.enter(client, body);
  if (refusal !== undefined) return { status: 429, text: errorText(null, refusal) };
  return then(dispatcher.handle(body, { client, push: undefined }), (text) => {
    admission.leave();
    return text === undefined ? { status: 204, text: '' } : { status: 200, text };
  });
}
