/** What comes of a message of the corpus: with us, and by its RFC, both in the corpus's words. */
import { decodeMessage } from '../../src/bgp-js/message.ts';
import { negotiate } from '../../src/bgp-js/session/negotiate.ts';
import { frameLength } from '../../src/bgp-js/wire/framer.ts';
import type { CorpusMessage } from './corpus.ts';
import { sessionConfigOf, updateContextOf } from './corpus-context.ts';
import { comparable, errorOf, linesOf } from './corpus-value.ts';

export interface Outcome {
  readonly outcome: string;
  readonly value: readonly string[];
}

/** What we make of it, in the corpus's words. */
export function outcomeOf(m: CorpusMessage): Outcome {
  const context = updateContextOf(m);
  if (frameLength(m.bytes, 0, m.bytes.length, context.maxMessageLength) === 0)
    return { outcome: 'incomplete', value: [] };
  const decoded = decodeMessage(m.bytes, 0, m.bytes.length, context);
  if (!decoded.ok) return { outcome: `error ${errorOf(decoded.error)}`, value: [] };
  const message = decoded.value;
  if (message.type === 'open') {
    const config = sessionConfigOf(m);
    const agreed = config === undefined ? undefined : negotiate(config, message.open);
    if (agreed?.ok === false) return { outcome: `error ${errorOf(agreed.error)}`, value: [] };
  }
  if (message.type !== 'update') return { outcome: 'accept', value: comparable(linesOf(message)) };
  const { disposition, error, faults } = message.update;
  if (disposition === 'reset')
    return { outcome: `reset ${error === undefined ? 'without' : errorOf(error)}`, value: [] };
  const decisive = faults.filter((fault) => fault.action === disposition);
  const types = decisive.map((fault) => fault.type);
  const [first] = decisive;
  const named =
    disposition === 'withdraw' ? ` ${first?.type} 3/${first?.subcode}` : types.map((type) => ` ${type}`).join('');
  const others = faults.filter((fault) =>
    disposition === 'withdraw' ? fault !== first : fault.action !== disposition,
  );
  return {
    outcome: `${disposition}${named}`,
    value: comparable([...linesOf(message), ...others.map((fault) => `fault ${fault.type}`)]),
  };
}

/** What the RFC makes of it. */
export const expectedOf = (m: CorpusMessage): Outcome => {
  const [what, ...octets] = m.detail;
  const data = octets.join('');
  return m.outcome === 'reset' || m.outcome === 'error'
    ? { outcome: [m.outcome, what, ...(data === '' ? [] : [data])].join(' '), value: [] }
    : { outcome: [m.outcome, ...m.detail].join(' '), value: comparable(m.value) };
};
