/**
 * The exchange: one HTTP request and, when it was seen, its response.
 *
 * @module
 */

/** The two ends of a flow as exchanges show them: the server is the side that was sent the request. */
export interface Endpoints {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Link layer addresses as `aa:bb:cc:dd:ee:ff`, `undefined` where the link type has none. */
  readonly clientMac: string | undefined;
  readonly serverMac: string | undefined;
  /** Outermost 802.1Q VLAN identifier, `undefined` on untagged frames. */
  readonly vlan: number | undefined;
}

/**
 * One request with what was seen of its response. Made when the request's header is complete and filled in
 * as the response arrives. Times are microseconds since the epoch, in packet time.
 */
export interface Exchange {
  readonly endpoints: Endpoints;
  /** When the request's first byte was captured. */
  readonly time: number;
  readonly method: string;
  /** `"1.0"`, `"1.1"`, … */
  readonly version: string;
  /** Host asked for: lower case, no port, IPv6 literals without brackets. */
  readonly host: string;
  /** True when the request named no host and `host` is the server's address. */
  readonly hostMissing: boolean;
  /** Port named beside the host, `undefined` when none was. */
  readonly port: number | undefined;
  /** Path without query or fragment, starting with `/` except for `*` and CONNECT (empty). */
  readonly path: string;
  /** Query without its `?`; `undefined` unless the request had one and queries are kept. */
  readonly query: string | undefined;
  /** First path segment with its slash: `/api` of `/api/v1/x`, `/` for the root. */
  readonly section: string;
  readonly userAgent: string | undefined;
  /** Referrer without user info and query. */
  readonly referrer: string | undefined;
  requestBodyBytes: number;
  /** Status of the final response, 0 while none was seen. */
  status: number;
  mimeType: string | undefined;
  responseBodyBytes: number;
  /** HAR timings in milliseconds, `undefined` when not observed. */
  send: number | undefined;
  wait: number | undefined;
  receive: number | undefined;
  /** Retransmitted segments and gaps on the connection while this exchange was open. */
  retransmissions: number;
  gaps: number;
}
