/** The codes that we send by name. Pure. RFC 4486 3, RFC 8538 3, RFC 9384 3. */

export const CEASE = 6;
export const MAXIMUM_PREFIXES = 1;
export const ADMINISTRATIVE_SHUTDOWN = 2;
export const PEER_DECONFIGURED = 3;
export const ADMINISTRATIVE_RESET = 4;
export const CONNECTION_REJECTED = 5;
export const OTHER_CONFIGURATION_CHANGE = 6;
export const COLLISION = 7;
export const OUT_OF_RESOURCES = 8;
export const HARD_RESET = 9;
export const BFD_DOWN = 10;
