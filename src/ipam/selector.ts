/** Calico's label selectors: all(), has(k), k == 'v', k != 'v', k in {'a','b'}, k not in {...}, k contains, starts with,
 *  ends with 'v', global(), joined by &&, || and !, with parentheses. Pure. A selector that cannot be read is a fault with
 *  the place, never "matches nothing": an operator must hear of it. */
import { err, ok, type Result } from '../base/result.ts';

type Labels = Readonly<Record<string, string>>;

const TOKEN = /\s*(?:(&&|\|\||==|!=|[(){},!])|'([^']*)'|"([^"]*)"|([a-zA-Z0-9_./-]+))/y;
/** Deeper nesting than any person writes; keeps the parser's recursion bounded. */
const DEEPEST = 50;

interface Token {
  readonly kind: 'mark' | 'string' | 'word';
  readonly text: string;
}

class SelectorFault extends Error {}

function tokens(text: string): readonly Token[] {
  const out: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new SelectorFault(`cannot be read from character ${at + 1}`);
    const [, mark, single, double, word] = match;
    if (mark !== undefined) out.push({ kind: 'mark', text: mark });
    else if (word !== undefined) out.push({ kind: 'word', text: word });
    else out.push({ kind: 'string', text: single ?? double ?? '' });
  }
  return out;
}

/** Evaluates while it parses: both sides are always read, so a fault behind a true `||` is still found. */
class Evaluation {
  private readonly list: readonly Token[];
  private readonly labels: Labels;
  private at = 0;
  private depth = 0;

  constructor(list: readonly Token[], labels: Labels) {
    this.list = list;
    this.labels = labels;
  }

  whole(): boolean {
    const value = this.or();
    const left = this.list[this.at];
    if (left !== undefined) throw new SelectorFault(`"${left.text}" was not expected`);
    return value;
  }

  private or(): boolean {
    if (++this.depth > DEEPEST) throw new SelectorFault('is nested too deeply');
    let value = this.and();
    while (this.accept('||')) value = this.and() || value;
    this.depth--;
    return value;
  }

  private and(): boolean {
    let value = this.term();
    while (this.accept('&&')) value = this.term() && value;
    return value;
  }

  private term(): boolean {
    let wanted = true;
    while (this.accept('!')) wanted = !wanted;
    if (this.accept('(')) {
      const value = this.or();
      this.expect(')');
      return value === wanted;
    }
    return this.test(this.word()) === wanted;
  }

  private test(name: string): boolean {
    if (this.accept('(')) {
      if (name === 'has') {
        const key = this.word();
        this.expect(')');
        return Object.hasOwn(this.labels, key);
      }
      this.expect(')');
      if (name === 'all') return true;
      if (name === 'global') return false; // nothing namespaced or of a node is global
      throw new SelectorFault(`${name}() is not known`);
    }
    const value = Object.hasOwn(this.labels, name) ? this.labels[name] : undefined;
    if (this.accept('==')) return this.string() === value;
    if (this.accept('!=')) return this.string() !== value;
    const operator = this.word();
    if (operator === 'in') return isIn(value, this.set());
    if (operator === 'not' && this.word() === 'in') return !isIn(value, this.set());
    if (operator === 'contains') return has(value, this.string(), 'includes');
    if (operator === 'starts' && this.word() === 'with') return has(value, this.string(), 'startsWith');
    if (operator === 'ends' && this.word() === 'with') return has(value, this.string(), 'endsWith');
    throw new SelectorFault(`"${operator}" is not an operator`);
  }

  private set(): readonly string[] {
    const values: string[] = [];
    this.expect('{');
    if (this.accept('}')) return values;
    do values.push(this.string());
    while (this.accept(','));
    this.expect('}');
    return values;
  }

  private accept(mark: string): boolean {
    const token = this.list[this.at];
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.at++;
    return true;
  }
  private expect(mark: string): void {
    if (!this.accept(mark)) throw new SelectorFault(`"${mark}" is missing${this.before()}`);
  }
  private word(): string {
    return this.take('word', 'a label or function name');
  }
  private string(): string {
    return this.take('string', 'a value in quotes');
  }
  private take(kind: Token['kind'], what: string): string {
    const token = this.list[this.at];
    if (token?.kind !== kind) throw new SelectorFault(`${what} is missing${this.before()}`);
    this.at++;
    return token.text;
  }
  private before(): string {
    const token = this.list[this.at];
    return token === undefined ? ' at the end' : ` before "${token.text}"`;
  }
}

// Functions and not operators in place, so that the right side is read even when the label is absent.
const isIn = (value: string | undefined, set: readonly string[]): boolean => value !== undefined && set.includes(value);
const has = (value: string | undefined, part: string, how: 'includes' | 'startsWith' | 'endsWith'): boolean =>
  value?.[how](part) ?? false;

/** An empty selector matches everything, as all() does. */
export function matchesSelector(selector: string, labels: Labels): Result<boolean, string> {
  try {
    const list = tokens(selector);
    return ok(list.length === 0 || new Evaluation(list, labels).whole());
  } catch (error) {
    if (error instanceof SelectorFault) return err(error.message);
    throw error;
  }
}
