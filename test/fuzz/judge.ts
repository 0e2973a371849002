/** What must hold for every input, and the bounds that the library promises. An input is one octet that picks a context, then
 *  the octets of a message. */
import { Coverage } from './coverage.ts';
import type { Instrumented } from './instrument.ts';
import { MAX_INPUT } from './mutator.ts';
import { Walk } from './size.ts';

export interface Target {
  readonly contexts: number;
  decode(slab: Uint8Array, start: number, end: number, context: number): unknown;
  recode(value: unknown, context: number): { readonly was: unknown; readonly is: unknown } | undefined;
}

/** Time: places in the code passed while one message is decoded. Linear, whatever it says. */
export const workBound = (octets: number): number => 3_000 + 60 * octets;
/** Memory: values, characters and octets of what a message decodes to. Linear, and 65535 octets cannot make more than that. */
export const sizeBound = (octets: number): number => 2_000 + 20 * octets;

const MARGIN = 256;
/** What stands round the message: a decoder that looks there answers differently, or makes a difference of it. */
const POISONS = [0x40, 0xff, 0x00] as const;

/** What is wrong with an input. `kind` is the same for inputs that show the same fault. */
export interface Failure {
  readonly kind: string;
  readonly text: string;
}
export interface Judged {
  readonly isNew: boolean;
  readonly failure?: Failure;
}
const NOTHING_NEW: Judged = { isNew: false };
const NEW: Judged = { isNew: true };

interface Slab {
  readonly bytes: Uint8Array;
  /** Octets from MARGIN on that are not poison. */
  used: number;
}

export class Judge {
  readonly coverage: Coverage;
  /** The greatest of each, in parts of its bound. */
  mostWork = 0;
  mostSize = 0;
  private readonly of: Instrumented<Target>;
  private readonly walk = new Walk();
  private readonly slabs: readonly Slab[];
  private turn = 0;

  constructor(of: Instrumented<Target>) {
    this.of = of;
    this.coverage = new Coverage(of.places);
    this.slabs = POISONS.map((poison) => ({ bytes: new Uint8Array(MAX_INPUT + 2 * MARGIN).fill(poison), used: 0 }));
  }

  /** `input` [0, length). Every eighth, and every new one, also stands in other surroundings and goes through encode;
   *  `thorough`: this one does. */
  judge(input: Uint8Array, length: number, thorough = false): Judged {
    const octets = length - 1;
    const context = (input[0] as number) % this.of.target.contexts;
    let value: unknown;
    let caught: Failure | undefined;
    try {
      value = this.decodeIn(0, input, length, context);
    } catch (e) {
      caught = { kind: `throws ${placeOf(e)}`, text: e instanceof Error ? (e.stack ?? e.message) : String(e) };
    }
    const { isNew, work } = this.coverage.take(this.of.counts, this.of.touched, this.of.taken());
    if (caught !== undefined) return { isNew, failure: caught };
    if (work > workBound(octets))
      return { isNew, failure: { kind: 'work', text: `${work} steps for ${octets} octets` } };
    const { hash, size } = this.walk.of(value);
    if (size > sizeBound(octets))
      return { isNew, failure: { kind: 'size', text: `a value of size ${size} from ${octets} octets` } };
    this.mostWork = Math.max(this.mostWork, work / workBound(octets));
    this.mostSize = Math.max(this.mostSize, size / sizeBound(octets));
    const bad = badError(value, octets);
    if (bad !== undefined) return { isNew, failure: { kind: 'error', text: bad } };
    if (!thorough && !isNew && (this.turn++ & 7) !== 0) return NOTHING_NEW;
    const outside = this.elsewhere(input, length, context, hash);
    this.forget();
    const failure = outside ?? this.again(value, context);
    // What encoding passes counts as well.
    const { isNew: isNewBack } = this.coverage.take(this.of.counts, this.of.touched, this.of.taken());
    if (failure !== undefined) return { isNew, failure };
    return isNew || isNewBack ? NEW : NOTHING_NEW;
  }

  private forget(): void {
    const { counts, touched } = this.of;
    const n = this.of.taken();
    for (let i = 0; i < n; i++) counts[touched[i] as number] = 0;
  }

  private decodeIn(which: number, input: Uint8Array, length: number, context: number): unknown {
    const slab = this.slabs[which] as Slab;
    const octets = length - 1;
    slab.bytes.set(length === input.length ? input.subarray(1) : input.subarray(1, length), MARGIN);
    if (slab.used > octets) slab.bytes.fill(POISONS[which] as number, MARGIN + octets, MARGIN + slab.used);
    slab.used = octets;
    return this.of.target.decode(slab.bytes, MARGIN, MARGIN + octets, context);
  }

  private elsewhere(input: Uint8Array, length: number, context: number, hash: number): Failure | undefined {
    for (let which = 1; which < POISONS.length; which++) {
      const other = new Walk().of(this.decodeIn(which, input, length, context));
      if (other.hash !== hash)
        return {
          kind: 'outside',
          text: 'the answer depends on what stands round the message: a read outside its frame',
        };
    }
    return undefined;
  }

  private again(value: unknown, context: number): Failure | undefined {
    try {
      const pair = this.of.target.recode(value, context);
      if (pair === undefined || new Walk().of(pair.was).hash === new Walk().of(pair.is).hash) return undefined;
      return {
        kind: 'identity',
        text: `decode(encode(value)) is another value:\n${shown(pair.was)}\n${shown(pair.is)}`,
      };
    } catch (e) {
      return { kind: `encode throws ${placeOf(e)}`, text: e instanceof Error ? (e.stack ?? e.message) : String(e) };
    }
  }
}

/** The first own frame of a stack, so that one fault is one kind. */
const placeOf = (e: unknown): string =>
  e instanceof Error ? `${e.name} ${/at (\S+)/.exec(e.stack ?? '')?.[1] ?? ''}` : 'something that is no Error';

export const shown = (value: unknown): string =>
  JSON.stringify(value, (_key, v) =>
    typeof v === 'bigint' ? `${v}n` : v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v,
  )?.slice(0, 4000) ?? '';

/** A BgpError can be sent: codes that exist, data that fits, a text that no peer can make long. */
function badError(value: unknown, octets: number): string | undefined {
  if (typeof value !== 'object' || value === null || !('error' in value) || value.error === undefined) return undefined;
  const { code, subcode, data, text } = value.error as {
    code: unknown;
    subcode: unknown;
    data: unknown;
    text: unknown;
  };
  if (typeof code !== 'number' || code < 1 || code > 8) return `error code ${code}`;
  if (typeof subcode !== 'number' || subcode < 0 || subcode > 255) return `error subcode ${subcode}`;
  if (!(data instanceof Uint8Array) || data.length > octets + 64) return 'error data is longer than the message';
  if (typeof text !== 'string' || text.length > 1000) return 'error text is no short text';
  return undefined;
}
