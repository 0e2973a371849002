/** The corpus of hand-written messages, text -> bytes and what they ought to mean. The language is in test/corpus/README.md:
 *  hex with lengths that the parser fills in, so that what is meant to be right is right. Rendering is corpus-value.ts. */
import fs from 'node:fs';
import path from 'node:path';

export interface CorpusMessage {
  readonly file: string;
  readonly line: number;
  readonly title: string;
  /** "4271 4.3 a; 7606 7.1" */
  readonly rfc: string;
  /** What was negotiated; empty: 4-octet AS numbers, eBGP, IPv4 unicast. */
  readonly context: readonly string[];
  readonly bytes: Uint8Array;
  /** accept, discard, withdraw, reset, error, incomplete. */
  readonly outcome: string;
  /** What stands behind the outcome: attribute types, "3/6", Data. */
  readonly detail: readonly string[];
  /** The value in lines, in the order written. */
  readonly value: readonly string[];
  /** Why our own encoding differs, when it may. */
  readonly notCanonical?: string;
  /** Why tshark is not asked. */
  readonly notTshark?: string;
}

interface Fragment {
  readonly octets: string;
  readonly value: string[];
}
type Fragments = Map<string, Fragment>;

const FOLDER = path.resolve(import.meta.dirname, '../corpus');
const SHARED = 'fragments.txt';
const TYPES: Readonly<Record<string, number>> = { open: 1, update: 2, notification: 3, keepalive: 4, refresh: 5 };
const OUTCOMES = ['accept', 'discard', 'withdraw', 'reset', 'error', 'incomplete'];
const TOKEN =
  /"[^"]*"|\$[\w-]+|(?:open|update|notification|keepalive|refresh)\(|[{}[\])]|(?:[0-9a-f]{2})+(?:\*\d+)?|\S+/gi;

/** All messages of test/corpus, file by file. Throws with file and line at the first thing that is not the language. */
export function readCorpus(): CorpusMessage[] {
  const shared: Fragments = new Map();
  parse(SHARED, fs.readFileSync(path.join(FOLDER, SHARED), 'utf8'), shared);
  const files = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.txt') && name !== SHARED);
  return files.sort().flatMap((name) => parse(name, fs.readFileSync(path.join(FOLDER, name), 'utf8'), new Map(shared)));
}

/** One file. `fragments` is read and grows. */
export function parse(file: string, text: string, fragments: Fragments): CorpusMessage[] {
  const messages: CorpusMessage[] = [];
  const lines = text.split('\n').map((raw) => raw.replace(/(^|\s)#.*$/, '').trimEnd());
  for (let at = 0; at < lines.length; ) {
    const head = lines[at] ?? '';
    const from = at++;
    if (head === '') continue;
    const block: string[] = [];
    for (; at < lines.length && !/^(==|def) /.test(lines[at] ?? ''); at++) block.push(lines[at] ?? '');
    try {
      if (head.startsWith('def ')) define(head.slice(4).trim(), block, fragments);
      else if (head.startsWith('== ')) messages.push(entry(file, from + 1, head.slice(3).trim(), block, fragments));
      else throw new Error(`"${head}" starts neither with == nor with def`);
    } catch (e) {
      throw new Error(`test/corpus/${file}:${from + 1}: ${e instanceof Error ? e.message : String(e)}`);
    }
  }
  return messages;
}

function define(name: string, block: readonly string[], fragments: Fragments): void {
  if (fragments.has(name)) throw new Error(`$${name} is there already`);
  const arrow = block.findIndex((line) => line.startsWith('=>'));
  const octets = (arrow < 0 ? block : block.slice(0, arrow)).join(' ');
  const value = arrow < 0 ? [] : values([(block[arrow] ?? '').slice(2), ...block.slice(arrow + 1)], fragments);
  fragments.set(name, { octets: expand(octets, fragments), value });
}

function entry(file: string, line: number, title: string, block: string[], fragments: Fragments): CorpusMessage {
  const said = new Map<string, string>();
  const octets: string[] = [];
  const arrow = block.findIndex((text) => text.startsWith('=>'));
  if (arrow < 0) throw new Error('nothing is expected: a line "=> accept" or the like is missing');
  for (const text of block.slice(0, arrow)) {
    const word = /^(rfc|with|not canonical:|not tshark:)\s+(.*)$/.exec(text);
    if (word === null) octets.push(text);
    else said.set(word[1] ?? '', word[2] ?? '');
  }
  const rfc = said.get('rfc');
  if (rfc === undefined) throw new Error('no section is cited: a line "rfc 4271 4.3" is missing');
  const [outcome = '', ...detail] = repeated((block[arrow] ?? '').slice(2).trim()).split(/\s+/);
  if (!OUTCOMES.includes(outcome)) throw new Error(`"${outcome}" is no outcome`);
  const notCanonical = said.get('not canonical:');
  const notTshark = said.get('not tshark:');
  return {
    file,
    line,
    title,
    rfc,
    context: (said.get('with') ?? '').split(/\s*;\s*/).filter((word) => word !== ''),
    bytes: assemble(expand(octets.join(' '), fragments)),
    outcome,
    detail,
    value: values(block.slice(arrow + 1), fragments),
    ...(notCanonical === undefined ? {} : { notCanonical }),
    ...(notTshark === undefined ? {} : { notTshark }),
  };
}

const fragment = (name: string, fragments: Fragments): Fragment => {
  const found = fragments.get(name);
  if (found === undefined) throw new Error(`$${name} is not defined`);
  return found;
};
const expand = (octets: string, fragments: Fragments): string =>
  octets.replace(/"[^"]*"|\$([\w-]+)/g, (whole, name?: string) =>
    name === undefined ? whole : fragment(name, fragments).octets,
  );
const values = (lines: readonly string[], fragments: Fragments): string[] =>
  lines
    .flatMap((line) => line.split(';'))
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .flatMap((part) => (/^\$[\w-]+$/.test(part) ? fragment(part.slice(1), fragments).value : [repeated(part)]));

/** `61*255` in hex and `a*255` in text. */
const repeated = (line: string): string =>
  line.replace(line.startsWith('text ') ? /(.)\*(\d+)/g : /\b(\S+)\*(\d+)/g, (_, once: string, times: string) =>
    once.repeat(Number(times)),
  );

interface Open {
  readonly closer: string;
  readonly at: number;
}

/** The octets of one message: `{ }` is counted by one octet in front, `[ ]` by two, `update( )` by a whole header. */
export function assemble(text: string): Uint8Array {
  const out: number[] = [];
  const open: Open[] = [];
  for (const token of text.match(TOKEN) ?? []) {
    if (token === '{') open.push({ closer: '}', at: out.push(0) });
    else if (token === '[') open.push({ closer: ']', at: out.push(0, 0) });
    else if (token.endsWith('(')) {
      open.push({ closer: ')', at: out.length });
      out.push(...new Array<number>(16).fill(0xff), 0, 0, TYPES[token.slice(0, -1).toLowerCase()] ?? 0);
    } else if (/^[}\])]$/.test(token)) close(out, open.pop(), token);
    else if (token.startsWith('"')) out.push(...Buffer.from(token.slice(1, -1), 'utf8'));
    else out.push(...octetsOf(token));
  }
  if (open.length > 0) throw new Error(`${open.length} brackets are not closed`);
  return Uint8Array.from(out);
}

function close(out: number[], opened: Open | undefined, closer: string): void {
  if (opened?.closer !== closer) throw new Error(`"${closer}" closes nothing`);
  const long = closer === ')' ? opened.at + 16 : opened.at - 2;
  const length = out.length - opened.at;
  if (length > (closer === '}' ? 255 : 65535)) throw new Error(`${length} octets do not fit their length field`);
  if (closer === '}') out[opened.at - 1] = length;
  else {
    out[long] = length >>> 8;
    out[long + 1] = length & 255;
  }
}

function octetsOf(token: string): number[] {
  const [, digits, times] = /^((?:[0-9a-f]{2})+)(?:\*(\d+))?$/i.exec(token) ?? [];
  if (digits === undefined) throw new Error(`"${token}" is no hex`);
  const once = [...Buffer.from(digits, 'hex')];
  return Array.from({ length: Number(times ?? 1) }, () => once).flat();
}
