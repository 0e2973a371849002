/** A few thousand routes on their way to a group of peers: gathered, and put in order of what they are sent with. Pure, hot: columns,
 *  used again for each batch.
 *
 *    entry  route | source | path, -1 but with ADD-PATH | run, -1: nothing to send
 *    run    set | source class | prefix class -> octets in the arena, or not to be sent; its entries are together in `order` */
import { Int32Column } from '../../base/columns.ts';
import { OutArena } from './out-arena.ts';
import { OUR_HOP, type OutEncoder } from './out-encoder.ts';
import type { Source } from '../terms/source.ts';

const NONE = -1;

export class OutBatch {
  readonly arena = new OutArena();
  /** By entry. */
  readonly route = new Int32Column(NONE);
  readonly source = new Int32Column(NONE);
  readonly path = new Int32Column(NONE);
  readonly run = new Int32Column(NONE);
  count = 0;
  /** By run. */
  readonly set = new Int32Column(NONE);
  readonly sourceClass = new Int32Column(NONE);
  readonly prefixClass = new Int32Column(NONE);
  readonly entries = new Int32Column(0);
  /** 1: sent. */
  readonly sent = new Int32Column(0);
  readonly at = new Int32Column(0);
  readonly hopLength = new Int32Column(0);
  readonly length = new Int32Column(0);
  /** Where its entries end in `order`. */
  readonly end = new Int32Column(0);
  private readonly nextRun = new Int32Column(NONE);
  hopKeys = new Float64Array(64);
  runs = 0;
  order = new Int32Array(64);
  /** Entries without a run: nothing to send. */
  unsent = 0;
  /** By set id: a run of it, if that run says so too. */
  private readonly slots = new Int32Column(0);
  /** By source id: the batch that last had one of its routes. */
  private readonly seen = new Int32Column(0);
  private number = 0;
  private forgets = true;
  /** Next hops that are not ours. */
  readonly hops = new Set<number>();

  /** `forgets`: somebody has routes, and may have to forget some. Otherwise a route of which nothing is sent is nothing at all. */
  begin(forgets: boolean): void {
    this.forgets = forgets;
    this.count = 0;
    this.runs = 0;
    this.unsent = 0;
    this.arena.at = 0;
    this.number++;
    this.hops.clear();
  }

  hasSource(id: number): boolean {
    return this.seen.at[id] === this.number;
  }

  /** Every entry goes to whoever is not its source nor its next hop. */
  get sendsAll(): boolean {
    if (this.unsent > 0) return false;
    for (let run = 0; run < this.runs; run++) if (this.sent.at[run] !== 1) return false;
    return true;
  }

  /** To nobody: some may have to forget routes all the same. */
  get sendsNothing(): boolean {
    for (let run = 0; run < this.runs; run++) if (this.sent.at[run] === 1) return false;
    return true;
  }

  /** A route of which nothing is to be sent. */
  addNothing(route: number): void {
    if (!this.forgets) return;
    this.entry(route, NONE, NONE, NONE);
    this.unsent++;
  }

  /** The first `count` of `routes`, each with its source and run, from runOf(); of sources, see() is told. */
  addAll(routes: Int32Array, sources: Int32Array, runs: Int32Array, count: number): void {
    const from = this.count;
    const last = from + count - 1;
    if (last >= this.route.at.length) for (const c of [this.route, this.source, this.path, this.run]) c.reach(last);
    const route = this.route.at;
    const source = this.source.at;
    const path = this.path.at;
    const run = this.run.at;
    const { forgets } = this;
    let at = from;
    let unsent = 0;
    for (let i = 0; i < count; i++) {
      if (runs[i] === NONE) {
        if (!forgets) continue;
        unsent++;
      }
      route[at] = routes[i]!;
      source[at] = sources[i]!;
      path[at] = NONE;
      run[at] = runs[i]!;
      at++;
    }
    this.unsent += unsent;
    this.count = at;
  }

  /** Routes of this source are in the batch. */
  see(source: number): void {
    this.seen.reach(source);
    this.seen.at[source] = this.number;
  }

  /** `count` more entries of the run. */
  more(run: number, count: number): void {
    this.entries.at[run] = this.entries.at[run]! + count;
  }

  /** `sourceClass`: sources of one class are sent alike. */
  add(route: number, set: number, source: number, sourceClass: number, prefixClass: number, path: number): void {
    this.entry(route, source, path, this.runOf(set, sourceClass, prefixClass));
    this.see(source);
  }

  /** Works out what each run is sent as, and puts the entries in order. `sources` by id. */
  encode(encoder: OutEncoder, sources: readonly (Source | undefined)[]): void {
    const { arena } = this;
    const first = this.firstSources();
    for (let run = 0; run < this.runs; run++) {
      const at = arena.at;
      const source = sources[first[run] as number];
      const sends =
        source !== undefined &&
        encoder.encode(this.set.at[run] as number, source, this.prefixClass.at[run] as number, arena);
      this.sent.at[run] = sends ? 1 : 0;
      this.hopKeys[run] = OUR_HOP;
      if (!sends) {
        arena.at = at;
        continue;
      }
      this.at.at[run] = at;
      this.hopLength.at[run] = encoder.hopLength;
      this.length.at[run] = encoder.length;
      this.hopKeys[run] = encoder.hopKey;
      if (!Number.isNaN(encoder.hopKey)) this.hops.add(encoder.hopKey);
    }
    this.arrange();
  }

  /** Every source of a run's class serves. */
  private firstSources(): Int32Array {
    const first = this.end.at; // not in use yet
    for (let i = this.count - 1; i >= 0; i--) {
      const run = this.run.at[i] as number;
      if (run !== NONE) first[run] = this.source.at[i] as number;
    }
    return first;
  }

  /** A counting sort by run. */
  private arrange(): void {
    if (this.order.length < this.count) this.order = new Int32Array(this.route.at.length);
    const { order } = this;
    const next = this.end.at;
    const counts = this.entries.at;
    const run = this.run.at;
    let sum = 0;
    for (let r = 0; r < this.runs; r++) {
      next[r] = sum;
      sum += counts[r]!;
    }
    for (let i = 0; i < this.count; i++) {
      const r = run[i]!;
      if (r === NONE) continue;
      order[next[r]!] = i;
      next[r] = next[r]! + 1;
    }
  }

  private entry(route: number, source: number, path: number, run: number): void {
    const i = this.count++;
    if (i >= this.route.at.length) for (const c of [this.route, this.source, this.path, this.run]) c.reach(i);
    this.route.at[i] = route;
    this.source.at[i] = source;
    this.path.at[i] = path;
    this.run.at[i] = run;
  }

  /** The run of what is sent alike, with one entry more. */
  runOf(set: number, sourceClass: number, prefixClass: number): number {
    if (set >= this.slots.at.length) this.slots.reach(set);
    let run = this.slots.at[set]!;
    if (run >= this.runs || this.set.at[run] !== set) {
      this.slots.at[set] = this.runs;
      return this.newRun(set, sourceClass, prefixClass);
    }
    for (;;) {
      if (this.sourceClass.at[run] === sourceClass && this.prefixClass.at[run] === prefixClass) {
        this.entries.at[run] = this.entries.at[run]! + 1;
        return run;
      }
      const next = this.nextRun.at[run]!;
      if (next === NONE) {
        this.nextRun.at[run] = this.runs;
        return this.newRun(set, sourceClass, prefixClass);
      }
      run = next;
    }
  }

  private newRun(set: number, sourceClass: number, prefixClass: number): number {
    const run = this.runs++;
    if (run >= this.set.at.length) {
      const { set, sourceClass, prefixClass, entries, sent, at, hopLength, length, end, nextRun } = this;
      for (const c of [set, sourceClass, prefixClass, entries, sent, at, hopLength, length, end, nextRun]) c.reach(run);
      const keys = new Float64Array(this.set.at.length);
      keys.set(this.hopKeys);
      this.hopKeys = keys;
    }
    this.set.at[run] = set;
    this.sourceClass.at[run] = sourceClass;
    this.prefixClass.at[run] = prefixClass;
    this.entries.at[run] = 1;
    this.nextRun.at[run] = NONE;
    return run;
  }
}
