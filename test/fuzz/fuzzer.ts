/** The loop: a message of the pool is changed, decoded and judged; what passes the code as none before joins the pool. Pure,
 *  but for the judge's slabs: files and time are the caller's. */
import type { Chance } from './chance.ts';
import type { Failure, Judge } from './judge.ts';
import { MAX_INPUT, Mutator } from './mutator.ts';
import { attributeOffsets, joined } from './seeds.ts';

/** Beyond this, new ones take the place of old ones that are no seeds. */
const MAX_POOL = 20_000;

export class Fuzzer {
  /** Inputs: a context octet, then a message. */
  readonly pool: Uint8Array[] = [];
  messages = 0;
  private readonly judge: Judge;
  private readonly chance: Chance;
  private readonly mutator: Mutator;
  private readonly input = new Uint8Array(MAX_INPUT + 1);

  constructor(judge: Judge, chance: Chance) {
    this.judge = judge;
    this.chance = chance;
    this.mutator = new Mutator(chance);
  }

  /** Judges an input as it is, and keeps it. */
  seed(input: Uint8Array): Failure | undefined {
    this.messages++;
    this.pool.push(input);
    return this.judge.judge(input, input.length, true).failure;
  }

  /** `count` mutants; stops at the first that fails. `onNew` hears what joined the pool. */
  run(
    count: number,
    onNew?: (input: Uint8Array) => void,
  ): { readonly input: Uint8Array; readonly failure: Failure } | undefined {
    const { chance, mutator, pool, input } = this;
    for (let i = 0; i < count; i++) {
      // Half of the time a young one: what has just been found is not yet explored.
      const young = pool.length > 64 && chance.oneIn(2);
      const parent = (young ? pool[pool.length - 1 - chance.below(64)] : chance.pick(pool)) as Uint8Array;
      mutator.mutate(parent.subarray(1), chance.pick(pool).subarray(1));
      input[0] = chance.oneIn(8) ? chance.below(256) : (parent[0] as number);
      input.set(mutator.bytes.subarray(0, mutator.length), 1);
      const length = mutator.length + 1;
      this.messages++;
      const judged = this.judge.judge(input, length);
      if (judged.failure !== undefined) return { input: input.slice(0, length), failure: judged.failure };
      if (!judged.isNew) continue;
      const kept = input.slice(0, length);
      if (pool.length < MAX_POOL) pool.push(kept);
      else pool[MAX_POOL - 1 - chance.below(MAX_POOL >> 1)] = kept;
      onNew?.(kept);
    }
    return undefined;
  }

  /** The shortest and plainest input with the same failure that leaving out and zeroing finds. */
  minimal(failing: Uint8Array, kind: string): Uint8Array {
    let best = failing;
    const fails = (input: Uint8Array): boolean => this.judge.judge(input, input.length, true).failure?.kind === kind;
    for (let tries = 0, better = true; better && tries < 8; tries++) {
      better = false;
      for (const shorter of withoutAnAttribute(best))
        if (fails(shorter)) {
          best = shorter;
          better = true;
          break;
        }
      if (better) {
        tries--;
        continue;
      }
      for (let size = best.length >> 1; size > 0; size >>= 1)
        for (let at = 1; at + size <= best.length; ) {
          const shorter = new Uint8Array(best.length - size);
          shorter.set(best.subarray(0, at));
          shorter.set(best.subarray(at + size), at);
          if (shorter.length > 1 && (fails(shorter) || fails(relength(shorter)))) {
            best = fails(shorter) ? shorter : relength(shorter);
            better = true;
          } else at += size;
        }
      for (let at = 20; at < best.length; at++) {
        if (best[at] === 0) continue;
        const plainer = best.slice();
        plainer[at] = 0;
        if (fails(plainer)) {
          best = plainer;
          better = true;
        }
      }
    }
    return best;
  }
}

/** Each of the inputs that lacks one path attribute, all lengths put right. */
function* withoutAnAttribute(input: Uint8Array): Generator<Uint8Array> {
  const message = input.subarray(1);
  const offsets = attributeOffsets(message, message.length);
  for (let i = 0; i + 1 < offsets.length; i++) {
    const [from, to] = [offsets[i] as number, offsets[i + 1] as number];
    if (to === from) continue;
    const shorter = joined(input.subarray(0, 1 + from), input.subarray(1 + to));
    const at = 1 + (offsets[0] as number) - 2;
    const total = (((shorter[at] as number) << 8) | (shorter[at + 1] as number)) - (to - from);
    shorter[at] = total >>> 8;
    shorter[at + 1] = total;
    yield relength(shorter);
  }
}

/** With the header's length put right: half of what makes a message shorter would not get past the framer. */
function relength(input: Uint8Array): Uint8Array {
  const fixed = input.slice();
  if (fixed.length >= 20) {
    fixed[17] = (fixed.length - 1) >>> 8;
    fixed[18] = fixed.length - 1;
  }
  return fixed;
}
