/** Where `gingham decode` gets its octets: an argument, a file, standard input; gzip is unpacked on the way. */
import fs from 'node:fs';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { Captured, CaptureReader } from '../capture/captured.ts';
import { CommandError, EXIT } from './exit-codes.ts';

export interface Input {
  /** For messages. */
  readonly name: string;
  /** It may come slowly: somebody waits for each message. */
  readonly live: boolean;
  readonly open: () => Readable;
}

/** Digits, and what stands between them in a paste. */
const HEX_ARGUMENT = /^(?:0x|\\x|[0-9a-f:,\s|])+$/i;

/** Each argument that is a file is an input; otherwise all of them together are hex. Without any, standard input. */
export function inputsOf(args: readonly string[]): readonly Input[] {
  if (args.length === 0) {
    if (process.stdin.isTTY === true)
      throw new CommandError(EXIT.usage, 'what is to be decoded? Name a file, give hex, or pipe either in.');
    return [standardInput];
  }
  const isFile = (arg: string): boolean => arg === '-' || fs.existsSync(arg);
  if (!args.some(isFile) && args.every((arg) => HEX_ARGUMENT.test(arg))) {
    const bytes = Buffer.from(args.join(' '));
    return [{ name: 'the argument', live: false, open: () => Readable.from([bytes], { objectMode: true }) }];
  }
  return args.map((arg) => (arg === '-' ? standardInput : file(arg)));
}

const standardInput: Input = { name: 'standard input', live: true, open: () => process.stdin };

function file(name: string): Input {
  let found: fs.Stats;
  try {
    found = fs.statSync(name);
  } catch {
    throw new CommandError(EXIT.notFound, `"${name}" is neither a file nor hex.`);
  }
  if (found.isDirectory()) throw new CommandError(EXIT.usage, `"${name}" is a folder. Name a file in it.`);
  return { name, live: !found.isFile(), open: () => fs.createReadStream(name) };
}

/** Everything in an input, as it comes. What is wrong with the reading itself is a fault too: a gzip that ends early. */
export async function* capturedIn(input: Input, reader: CaptureReader): AsyncGenerator<Captured> {
  let octets = 0;
  try {
    for await (const chunk of await unpacked(input.open())) {
      octets += chunk.length;
      yield* reader.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const packed = String(error.code).startsWith('Z_');
    const text = packed ? `gzip: ${error.message} (RFC 1952 2.3)` : error.message;
    yield* reader.end();
    yield { kind: 'fault', fault: { offset: octets, text } };
    return;
  }
  yield* reader.end();
}

async function unpacked(stream: Readable): Promise<AsyncIterable<Uint8Array>> {
  const chunks: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  // Two octets tell gzip; a pipe may bring them one by one.
  for (let size = 0; size < 2; ) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    size += next.value.length;
  }
  const whole = (async function* (): AsyncGenerator<Uint8Array> {
    yield* head;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  })();
  const first = Buffer.concat(head.slice(0, 2));
  if (first[0] !== 0x1f || first[1] !== 0x8b) return whole;
  const gunzip = zlib.createGunzip();
  const source = Readable.from(whole);
  source.on('error', (error) => gunzip.destroy(error));
  return source.pipe(gunzip);
}
