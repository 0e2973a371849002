/** The codes that we send by name. Pure. RFC 4486 3, RFC 8538 3, RFC 9384 3. */

/** The code that ends a session for no fault of the protocol; the rest are its subcodes. */
export const CEASE = 6;
/** Data: AFI, SAFI, limit; see maximumPrefixes. RFC 4486 4 */
export const MAXIMUM_PREFIXES = 1;
/** With a text; see shutdown. RFC 9003 2 */
export const ADMINISTRATIVE_SHUTDOWN = 2;
/** The peer is not in the configuration any more. */
export const PEER_DECONFIGURED = 3;
/** With a text; the session comes back; see administrativeReset. RFC 9003 2 */
export const ADMINISTRATIVE_RESET = 4;
/** TCP was accepted, and the session is refused. */
export const CONNECTION_REJECTED = 5;
/** The session comes back under another configuration. */
export const OTHER_CONFIGURATION_CHANGE = 6;
/** Another connection with this peer lives. RFC 4271 6.8 */
export const COLLISION = 7;
/** Memory, or another thing that there is not enough of. */
export const OUT_OF_RESOURCES = 8;
/** Data: the code, subcode and data that it wraps; see hardReset. RFC 8538 3.1 */
export const HARD_RESET = 9;
/** The BFD session with the peer went down. RFC 9384 3 */
export const BFD_DOWN = 10;
