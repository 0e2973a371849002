/** What containerlab's own schema lets pass and a run would stumble over: names, endpoints, binds, sysctls, commands. Pure. */
import { posix } from 'node:path';
import { suggest } from '../../config/suggest.ts';
import { type Findings, type LinkFields, shown } from './document.ts';
import type { Merged } from './merge.ts';
import { expandNodeName, splitWords } from './text.ts';
import {
  type Bind,
  type BridgeNode,
  DEFAULT_MTU,
  type Endpoint,
  type LinuxNode,
  type TopologyLink,
} from './topology.ts';

/** A folder and a host name. */
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** IFNAMSIZ is 16 with its final zero. linux/if.h */
const MOST_DEVICE_CHARS = 15;
const SYSCTL = /^net(?:\.[A-Za-z0-9_-]+)+$/;
/** What a node gets from the kernel and from us: nothing can be laid over it. */
const TAKEN = ['/proc', '/sys', '/dev', '/opt/gingham'];

export function checkLinux(merged: Merged, found: Findings): LinuxNode {
  const { name, path } = merged;
  if (!NODE_NAME.test(name))
    found.refuse(path, `"${name}" is no name for a node: use up to 63 of a-z, A-Z, 0-9, dot, dash and underscore.`);
  if (merged.text('image') === undefined)
    found.refuse(`${path}.image`, 'is missing. containerlab takes no node of kind linux without one.');
  const command = [...words(merged, 'entrypoint', found), ...words(merged, 'cmd', found)];
  if (merged.text('entrypoint') === undefined && merged.text('cmd') === undefined)
    found.refuse(
      path,
      "has neither entrypoint nor cmd. No image is pulled here that could have one: write the node's.",
    );
  else if (command.length === 0) found.refuse(path, 'has an empty entrypoint and cmd. Use entrypoint: sleep infinity.');
  const exec = merged.list('exec').map((line) => {
    const split = splitWords(expandNodeName(line, name));
    if (!split.ok) found.refuse(`${path}.exec`, `${shown(line)}: ${split.error}.`);
    else if (split.value.length === 0) found.refuse(`${path}.exec`, 'a line is empty.');
    return split.ok ? split.value : [];
  });
  const sysctls = merged.map('sysctls');
  for (const key of Object.keys(sysctls)) {
    if (!SYSCTL.test(key))
      found.refuse(`${path}.sysctls`, `"${key}" is not a node's own setting but the machine's. Only net.* can be set.`);
  }
  const env = Object.entries(merged.map('env')).map(([key, value]) => [key, expandNodeName(value, name)]);
  return {
    name,
    network: networkOf(merged, found),
    command,
    binds: bindsOf(merged, found),
    exec,
    env: Object.fromEntries(env),
    sysctls,
  };
}

function words(merged: Merged, field: 'entrypoint' | 'cmd', found: Findings): readonly string[] {
  const split = splitWords(expandNodeName(merged.text(field) ?? '', merged.name));
  if (!split.ok) found.refuse(`${merged.path}.${field}`, `${shown(merged.text(field))}: ${split.error}.`);
  return split.ok ? split.value : [];
}

function networkOf(merged: Merged, found: Findings): string {
  const mode = merged.text('network-mode') ?? 'bridge';
  if (mode.startsWith('container:')) return mode.slice('container:'.length);
  if (mode !== 'none' && mode !== 'bridge')
    found.refuse(
      `${merged.path}.network-mode`,
      `"${mode}" is not made here. Use none, container:NODE, or leave it out (there is no management network).`,
    );
  return merged.name;
}

function bindsOf(merged: Merged, found: Findings): Bind[] {
  const byTarget = new Map<string, Bind>();
  const path = `${merged.path}.binds`;
  for (const line of merged.list('binds')) {
    const [source = '', given = '', options = ''] = expandNodeName(line, merged.name).split(':');
    const target = posix.normalize(given).replace(/(.)\/$/, '$1');
    if (source === '' || !given.startsWith('/') || target === '/') {
      found.refuse(path, `${shown(line)} is no bind: write SOURCE:/TARGET or SOURCE:/TARGET:ro.`);
    } else if (!['', 'ro', 'rw'].includes(options)) {
      found.refuse(path, `${shown(line)}: "${options}" is not known here. Use ro or nothing.`);
    } else if (TAKEN.some((dir) => target === dir || target.startsWith(`${dir}/`))) {
      found.refuse(path, `${shown(line)}: ${TAKEN.join(', ')} cannot be laid over.`);
    } else byTarget.set(target, { source, target, readOnly: options === 'ro' });
  }
  return [...byTarget.values()];
}

export function checkBridge(merged: Merged, found: Findings): BridgeNode {
  const { name, path } = merged;
  const [device = '', owner] = name.split('|');
  checkDevice(device, path, found);
  const mode = merged.text('network-mode');
  if (mode === undefined) return { name, device };
  const network = mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
  if (network === undefined)
    found.refuse(`${path}.network-mode`, `"${mode}" makes no sense for a bridge. Use container:NODE, or leave it out.`);
  else if (owner !== undefined && owner !== network)
    found.refuse(path, `the name says it is in "${owner}", network-mode says "${network}". Make them the same.`);
  return { name, device, ...(network !== undefined && { network }) };
}

function checkDevice(device: string, path: string, found: Findings): void {
  if (device.length > MOST_DEVICE_CHARS)
    found.refuse(
      path,
      `"${device}" has ${device.length} letters, but a device's name has at most ${MOST_DEVICE_CHARS}.`,
    );
  else if (device === '.' || device === '..' || !/^[^\s/:]+$/.test(device))
    found.refuse(path, `"${device}" is no name for a device.`);
}

/** Network namespaces that are referred to are there. */
export function checkNetworks(nodes: readonly LinuxNode[], bridges: readonly BridgeNode[], found: Findings): void {
  for (const { name, network } of [...nodes, ...bridges]) {
    if (network === undefined || network === name) continue;
    const owner = nodes.find((n) => n.name === network);
    const path = `topology.nodes.${name}.network-mode`;
    if (owner === undefined) found.refuse(path, `${noNode(network, nodes)}`);
    else if (owner.network !== owner.name)
      found.refuse(path, `"${network}" has no network namespace of its own either.`);
  }
}

const noNode = (name: string, nodes: readonly { readonly name: string }[]): string => {
  const names = nodes.map((n) => n.name);
  const meant = suggest(name, names);
  return `there is no node "${name}". ${meant === undefined ? `Nodes: ${names.join(', ')}.` : `Did you mean ${meant}?`}`;
};

/** Both ends of each link, every device once. `managed`: nodes whose eth0 containerlab keeps for the management network. */
export function checkLinks(
  links: readonly LinkFields[],
  nodes: readonly LinuxNode[],
  bridges: readonly BridgeNode[],
  managed: ReadonlySet<string>,
  found: Findings,
): TopologyLink[] {
  const all = [...nodes, ...bridges];
  /** Who has a device, by namespace and name: a bridge's ports are devices of the namespace it is in. */
  const users = new Map<string, string>();
  const endpoint = (text: string, path: string): Endpoint | undefined => {
    const at = text.lastIndexOf(':');
    const [node, device] = [text.slice(0, at), text.slice(at + 1)];
    if (at <= 0 || device === '') {
      found.refuse(path, `"${text}" is no endpoint. Write NODE:DEVICE, for instance "r1:eth1".`);
      return undefined;
    }
    if (['host', 'mgmt-net', 'macvlan'].includes(node) && !all.some((n) => n.name === node)) {
      found.refuse(path, `"${text}" leads out of the lab, and nothing leads out of this one. Link two nodes.`);
      return undefined;
    }
    const owner = all.find((n) => n.name === node);
    if (owner === undefined) {
      found.refuse(path, `"${text}": ${noNode(node, all)}`);
      return undefined;
    }
    checkDevice(device, path, found);
    if (device === 'eth0' && managed.has(node)) {
      found.refuse(
        path,
        `"${text}": containerlab keeps eth0 for its management network. Use eth1, or network-mode: none.`,
      );
    }
    const key = `${owner.network ?? ''}:${device}`;
    const first = users.get(key);
    if (first !== undefined) found.refuse(path, `"${text}": the device is taken by ${first}.`);
    users.set(key, path.replace(/\.endpoints$/, ''));
    return { node, device };
  };
  return links.flatMap(({ path, endpoints, mtu }) => {
    const at = `${path}.endpoints`;
    if (endpoints.length !== 2) {
      found.refuse(at, `${endpoints.length === 1 ? 'one end' : `${endpoints.length} ends`}, but a link has two.`);
      return [];
    }
    const [a, b] = endpoints.map((text) => endpoint(text, at));
    return a && b ? [{ ends: [a, b], mtu: mtu ?? DEFAULT_MTU }] : [];
  });
}
