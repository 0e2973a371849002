/** What fingers type from other routers' shells, turned into ours. Pure. Each row: words, and what they become; the hint
 *  on standard error teaches the short form. */

interface Alias {
  readonly words: RegExp;
  readonly to: readonly string[];
}

/** Matched against the leading words, joined by one blank; what follows the match is kept. */
const ALIASES: readonly Alias[] = [
  { words: /^show (?:ip )?bgp (?:ipv4 (?:unicast )?)?(?:summary|summ|sum|neighbors?|neighbours?)\b/, to: ['peers'] },
  { words: /^show (?:ip )?bgp\b/, to: ['routes'] },
  { words: /^show (?:protocols?|neighbors?|neighbours?|peers?)(?: all)?\b/, to: ['peers'] },
  { words: /^show (?:ip )?routes?(?: for)?\b/, to: ['routes'] },
  { words: /^show (blocks|pods|status)\b/, to: ['$1'] },
  { words: /^(?:neighbors?|neighbours?)\b/, to: ['peers'] },
  { words: /^(?:global )?rib\b/, to: ['routes'] },
];

/** The arguments as ours, with the hint to print, or unchanged. Options may follow and are kept. */
export function resolveAlias(argv: readonly string[]): { readonly argv: readonly string[]; readonly hint?: string } {
  // commander's own help command knows one level only.
  if (argv[0] === 'help' && argv.length > 2) return { argv: [...argv.slice(1), '--help'] };
  const end = argv.findIndex((a) => a.startsWith('-'));
  const words = end < 0 ? argv : argv.slice(0, end);
  const typed = words.join(' ');
  for (const { words: pattern, to } of ALIASES) {
    const match = pattern.exec(typed);
    if (match === null) continue;
    const rest = typed
      .slice(match[0].length)
      .split(' ')
      .filter((w) => w !== '');
    const ours = [...to.map((w) => w.replace('$1', match[1] ?? '')), ...rest];
    return {
      argv: [...ours, ...argv.slice(words.length)],
      hint: `gingham: "${typed}" is "gingham ${ours.join(' ')}" here`,
    };
  }
  return { argv };
}
