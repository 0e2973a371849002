/** The two tables of the house: ranks, and the files that may do I/O. */

/** An import goes to a strictly lower rank or stays in its folder. `sys` stands half a step above `base`, whose ports it
 *  makes real. */
export const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  sys: 0.5,
  'bgp-js': 1,
  netlink: 1,
  bfd: 1,
  model: 2,
  capture: 2,
  policy: 3,
  store: 3,
  config: 3,
  rib: 4,
  ipam: 4,
  cluster: 4,
  peer: 5,
  kernel: 5,
  cni: 6,
  monitoring: 5,
  control: 6,
  daemon: 7,
  lab: 8,
  sim: 8,
  cli: 9,
};

/** Rooms inside a folder, by the same rule. A file beside them (index.ts) is above all of them. */
export const ROOMS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'bgp-js': { wire: 0, attributes: 1, update: 2, session: 3, json: 3, transport: 4, examples: 5 },
  rib: { terms: 0, choice: 1, sets: 2, tables: 3, ribs: 4, out: 5 },
  kernel: { devices: 0, packets: 1, tunnels: 1, pods: 2, routes: 2 },
  lab: { machine: 0, mesh: 1, tour: 2, topology: 3 },
};

/** Folders end with a slash. Everything else in src/ is a function of its arguments. */
export const IO_FILES: readonly string[] = [
  'bgp-js/transport/listen.ts', // listens on node:net
  'bgp-js/transport/reception.ts', // the sockets of those who knock
  'bgp-js/transport/connection.ts', // one node:net socket
  'bfd/receiver.ts', // node:dgram waits for packets
  'bfd/thread.ts', // starts the BFD thread
  'bfd/thread-main.ts', // is its start
  'sys/', // the real clock, timers, foreign functions
  'cni/names.ts', // node:crypto, for digests in names only
  'cni/host-libraries.ts', // looks for libraries below the host's /usr
  'cni/install.ts', // the host's CNI folders
  'cni/installed-pods.ts', // reads the daemon's records
  'cni/plugin.ts', // the executable: stdin, stdout, one unix socket
  'cni/release-queue.ts', // queued releases on disk
  'cni/server.ts', // the unix socket it answers on
  'cni/whole-file.ts', // write and rename
  'cni/workloads.ts', // records on disk
  'ipam/names.ts', // node:crypto, for digests in names only
  'kernel/devices/sysctl.ts', // reads and writes settings under /proc/sys
  'kernel/packets/forward-accept.ts', // starts iptables, the one writer of a shared chain
  'kernel/packets/masquerade.ts', // starts nft, which has no library
  'store/kubernetes.ts', // credentials, by client-node's KubeConfig
  'store/rest-client.ts', // HTTP to a real API server or to the embedded store
  'store/embedded/memory.ts', // uid of what tests create
  'store/embedded/lmdb-key-value.ts', // the embedded store's files
  'store/embedded/watch-response.ts', // writes to the connection of a watch
  'store/embedded/http-server.ts', // the embedded store's listening side
  'store/embedded/server.ts', // opens files and socket, and wires the three above
  'lab/machine/registry.ts', // the folder of running labs
  'lab/mesh/preflight.ts', // looks for programs and settings
  'lab/machine/namespaces.ts', // pins namespaces to files
  'lab/mesh/trial.ts', // pins one for the attempt
  'lab/mesh/world.ts', // switches forwarding on inside nodes
  'lab/machine/process.ts', // starts and restarts everything of a lab
  'lab/machine/reaper.ts', // reads /proc for orphans
  'lab/machine/patience.ts', // reads the end of a log
  'lab/mesh/bird-control.ts', // speaks to BIRD's socket
  'lab/mesh/bird-node.ts', // writes BIRD's configuration
  'lab/bring-up.ts', // writes the daemons' configurations
  'lab/supervisor.ts', // the lab's log
  'lab/front.ts', // starts unshare
  'lab/up.ts', // the lab's folder
  'lab/enter.ts', // starts nsenter
  'lab/topology/load.ts', // reads the file, looks for what it names
  'lab/topology/world.ts', // sysctls of nodes
  'lab/topology/node.ts', // starts nodes, enters them
  'lab/topology/bring-up.ts', // looks for control sockets
  'lab/command.ts', // waits for a folder to go
  'monitoring/bmp-connection.ts', // one TCP connection to a station
  'control/socket-path.ts', // who has the control socket's path
  'control/control-socket.ts', // listens, and loads the service when somebody asks
  'control/server.ts', // the gRPC service
  'control/client.ts', // its client
  'control/health-server.ts', // HTTP for a kubelet
  'daemon/footprint.ts', // the record that uninstall reads
  'daemon/drain-mark.ts', // what a drain leaves for the daemon that follows
  'daemon/cluster-setup.ts', // node:crypto, for a cluster's GUID
  'daemon/object-events.ts', // node:crypto, for digests in names only
  'daemon/log.ts', // the log
  'daemon/monitoring.ts', // the host's name
  'daemon/reload.ts', // reads the configuration file
  'cli/ask.ts', // whether this machine has a daemon
  'cli/decode-input.ts', // files and standard input, gzip
  'cli/commands/cni-install.ts', // finds the executable beside the program
  'cli/commands/uninstall.ts', // the host's /run
  'cli/uninstall-when-empty.ts', // runs the daemon until the last pod is gone
  'cli/commands/export-mrt.ts', // writes the file
  'cli/commands/config.ts', // reads the file to check
  'cli/commands/store.ts', // reads the CRD files
];
