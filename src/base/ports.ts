/** Time and chance as arguments. Pure: only types. The real ones live in sys/, test ones in test/support/. */

/** Milliseconds that never run backwards; only differences mean something. */
export interface Clock {
  /** Monotonic, ms. */
  now(): number;
  /** Wall clock, ms since 1970, for showing only. */
  wall(): number;
}

/** Where timeouts come from: the real one in sys/time.ts, a fake in tests. */
export interface Timers {
  /** Runs `fire` once after `ms`; the answer cancels it, and cancelling twice or late is harmless. */
  after(ms: number, fire: () => void): () => void;
}

/** Uniform in [0, 1). */
export type Random = () => number;
