/** The octets of attribute sets, each set once: the same octets in the same context are the same number. Pure, hot. What a set means
 *  is attribute-table.ts's, and how long it lives: this gives numbers, and takes them back. */
import type { Int32Column } from '../../base/columns.ts';
import { HashSlots } from '../../base/hash-slots.ts';
import { IdPool } from '../../base/id-pool.ts';
import { WordStore } from '../../base/word-store.ts';
import type { SetOctets } from './set-octets.ts';

const NONE = -1;
/** The context stands in the upper half of a word, the length in the lower. */
const CONTEXT_SHIFT = 16;
const LENGTH = 0xffff;

export interface SetStoreRows {
  readonly cells: Int32Column;
  readonly rowBits: number;
  readonly at: number;
}

export class SetStore {
  /** In rows of 1 << rowBits words, the word `at`: where the octets are, behind the set's id, and its context and length in one
   *  word. */
  private readonly rows: SetStoreRows;
  private readonly octets = new WordStore();
  /** Of runs. */
  private readonly slots = new HashSlots();
  private readonly span: { bytes: Uint8Array; start: number; end: number } = {
    bytes: new Uint8Array(),
    start: 0,
    end: 0,
  };
  private readonly ids = new IdPool();
  private live = 0;
  /** Of what find() looked for. */
  private hash = 0;
  private head = 0;
  /** Of removeAll(). */
  private hashes = new Int32Array(0);
  /** What was asked for ahead goes in here, or nobody would have to ask. */
  private near = 0;

  /** `rows`: whoever has them sees to it that there is one for each id, before it is given. */
  constructor(rows: SetStoreRows) {
    this.rows = rows;
  }

  get size(): number {
    return this.live;
  }

  /** All ids ever given are below it. */
  get idBound(): number {
    return this.ids.bound;
  }

  /** That the sets themselves take. */
  get octetsHeld(): number {
    return this.octets.size;
  }

  contextOf(id: number): number {
    return this.octets.headOf(this.runOf(id)) >>> CONTEXT_SHIFT;
  }

  /** One object is reused. */
  octetsOf(id: number): SetOctets {
    const run = this.runOf(id);
    const { span } = this;
    span.bytes = this.octets.octetsOf(run);
    span.start = this.octets.startOf(run);
    span.end = span.start + (this.octets.headOf(run) & LENGTH);
    return span;
  }

  /** The id of these octets in this context; -1 where they have none: then add() gives them one. */
  find(bytes: Uint8Array, start: number, end: number, context: number): number {
    const { slots, octets } = this;
    const hash = octets.load(bytes, start, end);
    const head = (context << CONTEXT_SHIFT) | (end - start);
    this.hash = hash;
    this.head = head;
    for (let at = slots.first(hash); at !== NONE; at = slots.after(at, hash)) {
      const run = slots.numberAt(at);
      if (octets.isLoaded(run, head)) return octets.firstOf(run);
    }
    return NONE;
  }

  /** Of what find() did not find, right after it. */
  add(): number {
    const id = this.ids.take();
    const run = this.octets.put(id, this.head);
    this.setRun(id, run);
    this.slots.add(this.hash, run);
    this.live++;
    return id;
  }

  /** Asks the memory for what is known of the first `count` of `ids`; see base/prefix-table.ts. */
  prefetchAll(ids: Int32Array, count: number): void {
    let near = 0;
    for (let i = 0; i < count; i++) near ^= this.octets.headOf(this.runOf(ids[i]!));
    this.near ^= near;
  }

  /** The first `count` of `ids`, which may be given out again. Their slots are asked for before the first goes. */
  removeAll(ids: Int32Array, count: number): void {
    const { hashes } = this;
    if (hashes.length < count) this.hashes = new Int32Array(ids.length);
    let near = 0;
    for (let i = 0; i < count; i++) {
      const { bytes, start, end } = this.octetsOf(ids[i]!);
      const hash = this.octets.load(bytes, start, end);
      near ^= this.slots.prefetch(hash);
      this.hashes[i] = hash;
    }
    this.near ^= near;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      const run = this.runOf(id);
      this.slots.remove(this.hashes[i]!, run);
      this.octets.giveBack(run, this.octets.headOf(run) & LENGTH);
      this.ids.give(id);
    }
    this.live -= count;
  }

  private runOf(id: number): number {
    const { cells, rowBits, at } = this.rows;
    return cells.at[(id << rowBits) + at] as number;
  }
  private setRun(id: number, run: number): void {
    const { cells, rowBits, at } = this.rows;
    cells.at[(id << rowBits) + at] = run;
  }
}
