/** What was captured as lines for people: when, between whom, the message, and faults where they are in the input. Pure. */
import { attributeLines, faultText, messageText, nlriText } from '../bgp-js/json/message-text.ts';
import type { CapturedJson, EndpointJson, PeerJson, PlacedFault, PlaceJson, RibEntryJson } from './captured-json.ts';

/** Lines without colour; the first is flush, what belongs to it is indented. */
export function capturedText(item: CapturedJson): string[] {
  const { lines, where } = textOf(item);
  const [first = '', ...rest] = lines;
  return [`${where}${first}`, ...rest];
}

const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');

function textOf(item: CapturedJson): { readonly lines: readonly string[]; readonly where: string } {
  if (item.type === 'fault') return { where: '', lines: [`! ${placeText(item)}: ${item.text}`] };
  const where = originText(item);
  switch (item.type) {
    case 'state-change':
      return { where, lines: [`STATE  ${item.oldState} -> ${item.newState}`] };
    case 'peer-index-table': {
      const view = item.viewName === '' ? '' : `, view "${plain(item.viewName)}"`;
      const peers = item.peers.map((p, i) => `  ${i}  ${peerText(p)}`);
      return {
        where,
        lines: [`PEER-INDEX-TABLE  collector ${item.collector}${view}, ${item.peers.length} peers`, ...peers],
      };
    }
    case 'rib': {
      const head = `RIB  ${item.nlri.family} ${nlriText(item.nlri)}, ${item.entries.length} ${item.entries.length === 1 ? 'path' : 'paths'}`;
      return { where, lines: [head, ...item.entries.flatMap(entryLines)] };
    }
    case 'note':
      return { where, lines: [`${item.bad ? '! ' : ''}${placeText(item)}: ${item.text}`] };
    default: {
      const faults: readonly PlacedFault[] = item.faults;
      const at = new Map(faults.map((f) => [f.octet, placeText(f)]));
      return { where, lines: messageText(item, (octet) => at.get(octet) ?? `octet ${octet}`) };
    }
  }
}

/** "byte 419", or with the line and column that a person sees. */
export const placeText = ({ offset, line, column }: PlaceJson): string =>
  line === undefined ? `byte ${offset}` : `byte ${offset} (line ${line}, column ${column})`;

function originText(item: { time?: string; from?: EndpointJson; to?: EndpointJson }): string {
  const ends = item.from === undefined || item.to === undefined ? '' : `${endText(item.from)} > ${endText(item.to)}  `;
  return `${item.time === undefined ? '' : `${item.time}  `}${ends}`;
}

function endText({ address, port, asn }: EndpointJson): string {
  const host = port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return asn === undefined ? host : `${host} (AS ${asn})`;
}

const peerText = (p: PeerJson): string => `${p.address} AS ${p.asn} identifier ${p.bgpIdentifier}`;

function entryLines(entry: RibEntryJson): string[] {
  const pathId = entry.pathId === undefined ? '' : `#${entry.pathId}`;
  const from = entry.peer === undefined ? `peer ${entry.peerIndex}` : `${entry.peer.address} AS ${entry.peer.asn}`;
  const faults = entry.faults.map((f) => `  ${faultText(f, () => placeText(f))}`);
  const head = `  from ${from}${pathId === '' ? '' : `, path ${pathId}`}, since ${entry.originated}`;
  return [head, ...attributeLines(entry.attributes).map((line) => `  ${line}`), ...faults];
}
