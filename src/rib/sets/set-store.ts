/** The octets of attribute sets, each set once: the same octets in the same context are the same number. Pure, hot. What a set means
 *  is attribute-table.ts's, and how long it lives: this gives numbers, and takes them back. */
import { Int32Column } from '../../base/columns.ts';
import { HashSlots } from '../../base/hash-slots.ts';
import { WordStore } from '../../base/word-store.ts';
import type { SetOctets } from './set-octets.ts';

const NONE = -1;
/** The context stands in the upper half of a word, the length in the lower. */
const CONTEXT_SHIFT = 16;
const LENGTH = 0xffff;

export class SetStore {
  /** Where the octets are: behind the set's id, and its context and length in one word. Of a free id, the next free one. */
  private readonly runs = new Int32Column(NONE);
  private readonly octets = new WordStore();
  /** Of runs. */
  private readonly slots = new HashSlots();
  private readonly span: { bytes: Uint8Array; start: number; end: number } = {
    bytes: new Uint8Array(),
    start: 0,
    end: 0,
  };
  private freeHead = NONE;
  private given = 0;
  private live = 0;
  /** Of what find() looked for. */
  private hash = 0;
  private head = 0;

  get size(): number {
    return this.live;
  }

  /** All ids ever given are below it. */
  get idBound(): number {
    return this.given;
  }

  /** That the sets themselves take. */
  get octetsHeld(): number {
    return this.octets.size;
  }

  contextOf(id: number): number {
    return this.octets.headOf(this.runs.at[id] as number) >>> CONTEXT_SHIFT;
  }

  /** One object is reused. */
  octetsOf(id: number): SetOctets {
    const run = this.runs.at[id] as number;
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
    let id = this.freeHead;
    if (id === NONE) {
      id = this.given++;
      this.runs.reach(id);
    } else this.freeHead = this.runs.at[id] as number;
    const run = this.octets.put(id, this.head);
    this.runs.at[id] = run;
    this.slots.add(this.hash, run);
    this.live++;
    return id;
  }

  /** The id may be given out again. */
  remove(id: number): void {
    const { bytes, start, end } = this.octetsOf(id);
    const run = this.runs.at[id] as number;
    this.slots.remove(this.octets.load(bytes, start, end), run);
    this.octets.giveBack(run, end - start);
    this.runs.at[id] = this.freeHead;
    this.freeHead = id;
    this.live--;
  }
}
