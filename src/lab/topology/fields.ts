/** Every field of a topology file that we know, and what becomes of it. Pure: tables. A field that stands in none of them
 *  is refused: what we do not know cannot be called harmless. */

/** Text, a list of texts, or a map of texts. */
export type FieldShape = 'text' | 'list' | 'map';

/** Fields of a node, a group, a kind, or the defaults that are followed. */
export const FOLLOWED = {
  kind: 'text',
  group: 'text',
  image: 'text',
  entrypoint: 'text',
  cmd: 'text',
  'network-mode': 'text',
  binds: 'list',
  exec: 'list',
  env: 'map',
  sysctls: 'map',
} as const satisfies Readonly<Record<string, FieldShape>>;
export type FollowedField = keyof typeof FOLLOWED;

const RIGHTS = 'a node is root in namespaces of its own';
const NO_IMAGE = "no image is pulled: this machine's system is the image";
const NO_RESTART = 'a node that ends stays ended, and its links stay';
const NO_MGMT = 'there is no management network';
const NO_LIMITS = 'no limits are set';
const NO_MEANING = 'it changes nothing that runs';

/** Fields that a lab of namespaces can do without, and why. */
export const IGNORED: Readonly<Record<string, string>> = {
  privileged: RIGHTS,
  'cap-add': RIGHTS,
  'image-pull-policy': NO_IMAGE,
  runtime: NO_IMAGE,
  'restart-policy': NO_RESTART,
  'auto-remove': NO_RESTART,
  'mgmt-ipv4': NO_MGMT,
  'mgmt-ipv6': NO_MGMT,
  mgmt_ipv4: NO_MGMT,
  mgmt_ipv6: NO_MGMT,
  ports: NO_MGMT,
  publish: NO_MGMT,
  dns: NO_MGMT,
  aliases: NO_MGMT,
  cpu: NO_LIMITS,
  'cpu-set': NO_LIMITS,
  memory: NO_LIMITS,
  'shm-size': NO_LIMITS,
  labels: NO_MEANING,
  position: NO_MEANING,
  healthcheck: NO_MEANING,
  type: 'kind linux has no types',
  devices: "a node has this machine's /dev",
  'startup-delay': 'all nodes start at once',
};

const ORDER = 'nodes start all at once; let the program wait or try again';
const LINUX_ONLY = 'nodes are of kind linux; bring files in with binds';

/** Fields without which a topology would not be what its author meant, and what to do instead. */
export const REFUSED: Readonly<Record<string, string>> = {
  stages: ORDER,
  'wait-for': ORDER,
  user: 'the program runs as root; let its command change the user',
  'env-files': 'write the variables below env',
  'startup-config': LINUX_ONLY,
  'enforce-startup-config': LINUX_ONLY,
  license: LINUX_ONLY,
  config: LINUX_ONLY,
  extras: LINUX_ONLY,
  components: LINUX_ONLY,
  credentials: LINUX_ONLY,
  certificate: LINUX_ONLY,
  SANs: LINUX_ONLY,
};

/** Beside `name` and `topology`. */
export const IGNORED_TOP: Readonly<Record<string, string>> = {
  mgmt: NO_MGMT,
  prefix: "namespaces carry the nodes' own names",
  settings: 'it is about certificates',
  debug: NO_MEANING,
};
export const SECTIONS = ['defaults', 'kinds', 'groups', 'nodes', 'links'] as const;

/** Of a link, beside `endpoints` and `mtu`. */
export const IGNORED_LINK: Readonly<Record<string, string>> = { labels: NO_MEANING };
export const REFUSED_LINK: Readonly<Record<string, string>> = {
  type: 'only veth links in the short form are made: endpoints: ["a:eth1", "b:eth1"]',
  endpoint: 'only veth links in the short form are made: endpoints: ["a:eth1", "b:eth1"]',
  vars: 'they belong to the config engine, which is not here',
  ipv4: 'give addresses by exec: ip addr add ADDRESS dev DEVICE',
  ipv6: 'give addresses by exec: ip addr add ADDRESS dev DEVICE',
};
