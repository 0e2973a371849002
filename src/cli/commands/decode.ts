/** `gingham decode`: hex, a capture of packets or an MRT file, message by message, without a daemon. It prints as it reads: a
 *  file may be larger than memory. */
import type { ToldContext } from '../../capture/captured.ts';
import type { CapturedJson, PlaceJson } from '../../capture/captured-json.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const decode: CommandRow = {
  path: ['decode'],
  summary: 'BGP messages out of hex, a capture or an MRT file, and what is wrong with them',
  args: [['[input...]', 'hex; a file: pcap, pcapng, MRT, messages, hex text, also gzipped; - is standard input']],
  options: [
    {
      flags: '-o, --output <form>',
      description: 'form of the answer; json is one object a line',
      choices: ['text', 'json'],
      default: 'text',
    },
    { flags: '--port <number>', description: "BGP's TCP port (default: 179)", parse: parsePort },
    { flags: '--as4', description: 'AS numbers have 4 octets (default: what the OPENs agree on, else a guess)' },
    { flags: '--as2', description: 'AS numbers have 2 octets' },
    { flags: '--add-path', description: 'NLRI have path identifiers (default: what the OPENs agree on, else a guess)' },
    { flags: '--extended', description: 'messages of up to 65535 octets (default: what the OPENs agree on)' },
    { flags: '--ibgp', description: 'both ends are in one AS (default: what the OPENs say, else a guess)' },
    { flags: '--ebgp', description: 'the ends are in two ASes' },
  ],
  examples: [
    'gingham decode ffffffffffffffffffffffffffffffff001304',
    'tcpdump -i any -U -w - tcp port 179 | gingham decode',
    'gingham decode updates.20261121.gz -o json',
  ],
  run,
};

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port <= 65535) return port;
  throw new CommandError(EXIT.usage, `"${text}" is not a port. Write a number from 1 to 65535.`);
}

/** Undefined where neither is said. */
function either(call: Call, yes: string, no: string): boolean | undefined {
  if (call.flag(yes) && call.flag(no)) throw new CommandError(EXIT.usage, `--${yes} and --${no} exclude each other.`);
  return call.flag(yes) ? true : call.flag(no) ? false : undefined;
}

function toldBy(call: Call): ToldContext {
  const fourOctetAs = either(call, 'as4', 'as2');
  const ibgp = either(call, 'ibgp', 'ebgp');
  return {
    ...(fourOctetAs !== undefined && { fourOctetAs }),
    ...(ibgp !== undefined && { ibgp }),
    ...(call.flag('addPath') && { addPath: true }),
    ...(call.flag('extended') && { extendedMessages: true }),
  };
}

/** Characters that are written in one go; of a pipe every item is, as it comes. */
const AT_ONCE = 1 << 16;

async function run(call: Call): Promise<number> {
  const options = { port: call.number('port') ?? 179, told: toldBy(call) };
  const [{ inputsOf, capturedIn }, { captureReader }, { capturedJson }, { capturedText, placeText }, { withSection }] =
    await Promise.all([
      import('../decode-input.ts'),
      import('../../capture/reader.ts'),
      import('../../capture/captured-json.ts'),
      import('../../capture/captured-text.ts'),
      import('../../bgp-js/json/message-text.ts'),
    ]);
  const json = call.text('output') === 'json';
  let exitCode: number = EXIT.ok;
  for (const input of inputsOf(call.args)) {
    const tally = new Tally();
    let waiting = '';
    for await (const captured of capturedIn(input, captureReader(options))) {
      const item = capturedJson(captured);
      tally.add(item);
      // A fault of the input itself is said once, on standard error.
      if (json) waiting += `${JSON.stringify(item)}\n`;
      else if (item.type !== 'fault') waiting += `${capturedText(item).join('\n')}\n`;
      if (waiting.length < AT_ONCE && !input.live) continue;
      call.terminal.out(waiting);
      waiting = '';
    }
    if (waiting !== '') call.terminal.out(waiting);
    for (const line of tally.report(placeText, withSection)) call.terminal.err(`gingham: ${input.name}: ${line}\n`);
    if (tally.bad) exitCode = EXIT.problem;
  }
  return exitCode;
}

interface Told extends PlaceJson {
  readonly text: string;
  readonly section?: string;
}

/** What was wrong in one input: the first of each kind is told at the end. */
class Tally {
  private items = 0;
  private faulty = 0;
  private first: Told | undefined;
  private broken: Told | undefined;

  get bad(): boolean {
    return this.first !== undefined || this.broken !== undefined;
  }
  add(item: CapturedJson): void {
    if (item.type === 'fault') {
      this.broken ??= item;
      return;
    }
    this.items++;
    const [fault] = faultsOf(item);
    if (fault === undefined) return;
    this.faulty++;
    this.first ??= fault;
  }
  report(place: (at: PlaceJson) => string, words: (told: Told) => string): string[] {
    const { first, broken } = this;
    const counted = this.items === 1 ? '' : `${this.faulty} of ${this.items} have faults, the first at `;
    return [
      ...(first === undefined ? [] : [`${counted}${place(first)}: ${words(first)}`]),
      ...(broken === undefined ? [] : [`${place(broken)}: ${words(broken)}`]),
    ];
  }
}

function faultsOf(item: CapturedJson): readonly Told[] {
  if (item.type === 'note') return item.bad === true ? [item] : [];
  if (item.type === 'rib') return item.entries.flatMap((entry) => entry.faults);
  return 'faults' in item ? item.faults : [];
}
