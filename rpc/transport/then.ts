/** Goes on with a value that may still be on its way; at once where it is not. */
export function then<Value, Result>(
  value: Value | Promise<Value>,
  go: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(go) : go(value);
}

/** All of several values, at once where none is still on its way. */
export function allOf<Value>(
  values: readonly (Value | Promise<Value>)[],
): readonly Value[] | Promise<readonly Value[]> {
  const isHere = (value: Value | Promise<Value>): value is Value => !(value instanceof Promise);
  return values.every(isHere) ? values : Promise.all(values);
}
