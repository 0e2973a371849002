/** Chance that repeats itself: the same seed, the same run. Pure. */

/** A 32-bit xorshift generator; `state` is all of it, so that a run can be taken up again. */
export class Chance {
  state: number;

  constructor(seed: number) {
    this.state = seed >>> 0 || 1;
  }
  u32(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return this.state;
  }
  /** 0 .. n - 1; 0 for n = 0. */
  below(n: number): number {
    // The low bits of xorshift are no worse than the high ones, and the bias of `%` does not matter here.
    return n > 0 ? this.u32() % n : 0;
  }
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
