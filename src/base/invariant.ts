/** What must hold if our own code is right. Pure. A user's or a peer's mistake is never an invariant: it is a value. */

/** Thrown only when Gingham itself is wrong. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The last arm of an exhaustive switch: a new member of the union stops the build here. */
export function assertNever(value: never): never {
  throw new InvariantError(`unhandled case: ${JSON.stringify(value)}`);
}
