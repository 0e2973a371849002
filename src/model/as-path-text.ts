/** AS-path patterns from text. Pure. The language is that of as-path-pattern.ts:
 *
 *    pattern   branch { | branch }           each branch may begin with ^ and end with $
 *    sequence  items beside each other, separated by space or '_' where two numbers would run together
 *    item      65001   64512-65534   [65001 64512-65534]   [^65001]   .   ( a | b )      and behind it  *  +  ?  {2}  {1,3}  {2,}
 *
 *  Numbers are whole AS numbers, so that 65001 never matches inside 165001. */
import { err, ok, type Result } from '../base/result.ts';
import type { AsnSet, AsPathNode, AsPathPattern } from './as-path-pattern.ts';

export interface PatternFault {
  readonly text: string;
  readonly remedy: string;
}

const MOST_CHARACTERS = 1000;
/** AS numbers and wildcards, with what {m,n} repeats: the cost of one path is at most so much per AS number. */
const MOST_STATES = 256;
const LARGEST_AS = 4294967295;
const ANY: AsnSet = { ranges: [], not: true };
const ANYTHING: AsPathNode = { kind: 'repeat', of: { kind: 'asn', set: ANY }, least: 0 };

/** Thrown inside this file only: a recursive descent has one place where faults end. */
class Fault {
  readonly fault: PatternFault;
  constructor(text: string, remedy: string) {
    this.fault = { text, remedy };
  }
}

export function parseAsPathPattern(text: string): Result<AsPathPattern, PatternFault> {
  try {
    if (text.length > MOST_CHARACTERS)
      throw new Fault(`has ${text.length} characters`, `Keep it below ${MOST_CHARACTERS}.`);
    const whole = new Parser(text).pattern();
    const states = statesOf(whole);
    if (states > MOST_STATES)
      throw new Fault(
        `stands for ${states} positions`,
        `Keep it to ${MOST_STATES}: smaller numbers in {}, or less of them.`,
      );
    return ok({ text, whole });
  } catch (fault) {
    if (fault instanceof Fault) return err(fault.fault);
    throw fault;
  }
}

/** As the automaton will count. */
function statesOf(node: AsPathNode): number {
  switch (node.kind) {
    case 'asn':
      return 1;
    case 'sequence':
    case 'either':
      return node.of.reduce((sum, part) => sum + statesOf(part), 0);
    case 'repeat':
      return statesOf(node.of) * Math.max(1, node.most ?? node.least);
  }
}

class Parser {
  private readonly text: string;
  private at = 0;
  private depth = 0;

  constructor(text: string) {
    this.text = text;
  }

  pattern(): AsPathNode {
    const branches = [this.branch()];
    while (this.take('|')) branches.push(this.branch());
    if (this.at < this.text.length)
      throw new Fault(`has ${this.here()} where nothing can stand`, 'Remove it: ^ begins a branch, $ ends one.');
    return either(branches);
  }

  /** What is not anchored has anything around it. */
  private branch(): AsPathNode {
    this.skip();
    const fromStart = this.take('^');
    const inner = this.sequence();
    const toEnd = this.take('$');
    this.skip();
    const parts = [...(fromStart ? [] : [ANYTHING]), inner, ...(toEnd ? [] : [ANYTHING])];
    return parts.length === 1 ? inner : { kind: 'sequence', of: parts };
  }

  private sequence(): AsPathNode {
    const items: AsPathNode[] = [];
    for (;;) {
      this.skip();
      const item = this.item();
      if (item === undefined) break;
      items.push(this.repeated(item));
    }
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'sequence', of: items };
  }

  private item(): AsPathNode | undefined {
    const c = this.text[this.at];
    if (c === undefined || c === '|' || c === ')' || c === '$' || c === '^') return undefined;
    if (this.take('.')) return { kind: 'asn', set: ANY };
    if (this.take('(')) return this.group();
    if (this.take('[')) return { kind: 'asn', set: this.set() };
    if (isDigit(c)) return { kind: 'asn', set: { ranges: [this.range()] } };
    if (c === '*' || c === '+' || c === '?' || c === '{')
      throw new Fault(`has ${this.here()} with nothing to repeat before it`, 'Write .* for any AS numbers.');
    throw new Fault(
      `has ${this.here()}, which is no part of a pattern`,
      'Write AS numbers, . * + ? [] () | ^ $ and spaces.',
    );
  }

  private group(): AsPathNode {
    if (++this.depth > 20) throw new Fault('has parentheses 21 deep', 'Keep them within 20.');
    const branches = [this.sequence()];
    while (this.take('|')) branches.push(this.sequence());
    if (this.text[this.at] === '^' || this.text[this.at] === '$')
      throw new Fault(`has ${this.here()} inside parentheses`, 'Put ^ and $ outside of them.');
    if (!this.take(')')) throw new Fault('has a ( without its )', 'Close it.');
    this.depth--;
    return either(branches);
  }

  private repeated(of: AsPathNode): AsPathNode {
    const count = this.count();
    if (count === undefined) return of;
    if (this.count() !== undefined)
      throw new Fault('repeats a repetition', 'Put parentheses around the first, or keep one.');
    return { kind: 'repeat', of, ...count };
  }

  private count(): { readonly least: number; readonly most?: number } | undefined {
    if (this.take('*')) return { least: 0 };
    if (this.take('+')) return { least: 1 };
    if (this.take('?')) return { least: 0, most: 1 };
    if (this.text[this.at] !== '{') return undefined;
    const match = /^\{(\d{1,3})(?:(,)(\d{1,3})?)?\}/.exec(this.text.slice(this.at));
    const least = Number(match?.[1]);
    const most = match?.[2] === undefined ? least : match[3] === undefined ? undefined : Number(match[3]);
    if (match === null || (most !== undefined && (most < least || most === 0)))
      throw new Fault(`has ${this.here()}, which is no count`, 'Write {2}, {1,3} or {2,}, the smaller number first.');
    this.at += match[0].length;
    return most === undefined ? { least } : { least, most };
  }

  /** Behind its [. */
  private set(): AsnSet {
    const not = this.take('^');
    const ranges: (readonly [number, number])[] = [];
    for (;;) {
      this.skip();
      while (this.take(',')) this.skip();
      if (this.take(']')) break;
      if (!isDigit(this.text[this.at]))
        throw new Fault(
          this.at < this.text.length ? `has ${this.here()} inside []` : 'has a [ without its ]',
          'Write AS numbers and ranges, as [65001 64512-65534].',
        );
      ranges.push(this.range());
    }
    if (ranges.length === 0) throw new Fault('has an empty []', 'Write . for any AS number.');
    if (ranges.length === 1 && ranges[0]?.[0] === 0 && ranges[0][1] === 9)
      throw new Fault(
        'has [0-9], which is AS numbers 0 to 9 here, not a digit',
        'Write . for any AS number, .* for any.',
      );
    return not ? { ranges, not } : { ranges };
  }

  private range(): readonly [number, number] {
    const from = this.number();
    if (this.text[this.at] !== '-') return [from, from];
    this.at++;
    const to = this.number();
    if (to < from) throw new Fault(`has the range ${from}-${to}`, 'Write the smaller number first.');
    return [from, to];
  }

  private number(): number {
    const digits = /^\d+/.exec(this.text.slice(this.at))?.[0] ?? '';
    const value = Number(digits);
    if (digits === '' || value > LARGEST_AS)
      throw new Fault(`has ${this.here()}, which is no AS number`, `Write 0 to ${LARGEST_AS}.`);
    this.at += digits.length;
    if (/^\.\d/.test(this.text.slice(this.at)))
      throw new Fault(
        `has ${digits}${this.text.slice(this.at).match(/^\.\d+/)?.[0]}`,
        'Write AS numbers as one number: 1.10 is 65546.',
      );
    return value;
  }

  private skip(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '_' || this.text[this.at] === '\t') this.at++;
  }
  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }
  private here(): string {
    return `"${this.text.slice(this.at, this.at + 12)}"`;
  }
}

const either = (branches: readonly AsPathNode[]): AsPathNode =>
  branches.length === 1 && branches[0] !== undefined ? branches[0] : { kind: 'either', of: branches };
const isDigit = (c: string | undefined): boolean => c !== undefined && c >= '0' && c <= '9';
