/** What the exit code of every command means. Pure: a table; --help prints it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  problem: 3,
  notFound: 4,
  unreachable: 5,
  timeout: 6,
  interrupted: 130,
} as const;

export const EXIT_TEXT: readonly (readonly [number, string])[] = [
  [EXIT.ok, 'healthy, or done'],
  [EXIT.failed, 'failed while running'],
  [EXIT.usage, 'usage, or a faulty configuration at start'],
  [EXIT.problem, 'a problem was found: degraded, faulty file, or some nodes did not answer'],
  [EXIT.notFound, 'no such peer, route, node, lab or file'],
  [EXIT.unreachable, 'no daemon answers'],
  [EXIT.timeout, 'waited in vain'],
  [EXIT.interrupted, 'interrupted'],
];

/** Ends a command with a message and a code; no stack trace is ever shown for it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
