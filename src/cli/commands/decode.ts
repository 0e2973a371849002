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
    { flags: '--add-path', description: 'NLRI have path identifiers (default: what the OPENs agree on)' },
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

async function run(call: Call): Promise<number> {
  const options = { port: call.number('port') ?? 179, told: toldBy(call) };
  const [{ inputsOf, capturedIn }, { captureReader }, { capturedJson }, { capturedText, placeText }] =
    await Promise.all([
      import('../decode-input.ts'),
      import('../../capture/reader.ts'),
      import('../../capture/captured-json.ts'),
      import('../../capture/captured-text.ts'),
    ]);
  const json = call.text('output') === 'json';
  let exitCode: number = EXIT.ok;
  for (const input of inputsOf(call.args)) {
    const tally = new Tally();
    for await (const captured of capturedIn(input, captureReader(options))) {
      const item = capturedJson(captured);
      tally.add(item);
      if (json) call.terminal.out(`${JSON.stringify(item)}\n`);
      // A fault of the input itself is said once, on standard error.
      else if (item.type !== 'fault') call.terminal.out(`${capturedText(item).join('\n')}\n`);
    }
    for (const line of tally.report(placeText)) call.terminal.err(`gingham: ${input.name}: ${line}\n`);
    if (tally.bad) exitCode = EXIT.problem;
  }
  return exitCode;
}

/** What was wrong in one input: the first of each kind is told at the end. */
class Tally {
  private items = 0;
  private faulty = 0;
  private first: { readonly place: PlaceJson; readonly text: string } | undefined;
  private broken: { readonly place: PlaceJson; readonly text: string } | undefined;

  get bad(): boolean {
    return this.first !== undefined || this.broken !== undefined;
  }
  add(item: CapturedJson): void {
    if (item.type === 'fault') {
      this.broken ??= { place: item, text: item.text };
      return;
    }
    this.items++;
    const faults =
      item.type === 'note' && item.bad === true
        ? [item]
        : 'faults' in item
          ? item.faults
          : item.type === 'rib'
            ? item.entries.flatMap((entry) => entry.faults)
            : [];
    const [fault] = faults;
    if (fault === undefined) return;
    this.faulty++;
    this.first ??= { place: fault, text: fault.text };
  }
  report(place: (at: PlaceJson) => string): string[] {
    const { first, broken } = this;
    const counted = this.items === 1 ? '' : `${this.faulty} of ${this.items} have faults, the first at `;
    return [
      ...(first === undefined ? [] : [`${counted}${place(first.place)}: ${first.text}`]),
      ...(broken === undefined ? [] : [`${place(broken.place)}: ${broken.text}`]),
    ];
  }
}
