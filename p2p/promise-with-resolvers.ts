/*
 * libp2p needs `Promise.withResolvers`, which Node has from version 22 on. Must be imported before any of libp2p.
 */

/* eslint-disable @typescript-eslint/no-unnecessary-condition, @typescript-eslint/unbound-method -- the library of types is newer than the oldest Node that is supported */
Promise.withResolvers ??= function withResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve: PromiseWithResolvers<Value>['resolve'] = () => undefined;
  let reject: PromiseWithResolvers<Value>['reject'] = () => undefined;
  const promise = new Promise<Value>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
};
