/**
 * A connection to one of the addresses of a platform: in turn, the last good one first; MQTT 5, or 3.1.1 with a broker that
 * speaks no other. What is learned of them is kept for the connections that follow.
 */
import type { PlatformHost } from '../../contract/transport.ts';
import { ConnectError, type Connection, openConnection } from './connection.ts';
import { type Options, urlsOf } from './options.ts';
import { needsOtherId, noOtherId } from './subscribing.ts';
import type { TlsMaterial } from './tls.ts';

/** One that closed at MQTT 5 without a word and took 3.1.1 may be another one behind the same address, later. */
const SILENT_NO_5_MS = 3_600_000;

/** What is known of a platform, by the options that name it. */
interface Known {
  good: string | undefined;
  /** Addresses that speak no MQTT 5, until when, `elapsed`. */
  readonly no5: Map<string, number>;
}
const knownOf = new WeakMap<Options, Known>();

/** @param presence what is shown, with its topic, when we are gone without a word. */
export async function connectToBroker(
  own: Options,
  tls: TlsMaterial | undefined,
  host: PlatformHost,
  presence: { readonly topic: string; readonly payload: string },
): Promise<Connection> {
  const known = knownOf.get(own) ?? { good: undefined, no5: new Map() };
  knownOf.set(own, known);
  const isOther = host.aside !== true && needsOtherId(host);
  const clientId = `${own.clientId ?? `${host.campus}-${host.uplink}`}${isOther ? '-2' : ''}`;
  const wanted = {
    tls,
    proxy: own.proxy,
    // A broker closes the elder of two connections with one client id.
    clientId: host.aside === true ? `${clientId}-aside` : clientId,
    username: own.username,
    password: own.password,
    keepalive: Math.max(1, Math.round(own.keepalive / 1000)),
    ...(host.aside !== true && { will: presence }),
  };
  const open = (url: string) =>
    openAs(own, known, host, url, (version) =>
      openConnection({ ...wanted, url }, version, host.signal, host.clock),
    );
  const urls = urlsOf(own);
  const inTurn = known.good === undefined ? urls : [known.good, ...urls.filter((url) => url !== known.good)];
  const failures: string[] = [];
  for (const url of inTurn) {
    try {
      const connection = await open(url);
      known.good = url;
      return connection;
    } catch (error) {
      if (host.signal.aborted || urls.length === 1) {
        if (isOther) noOtherId(host);
        throw error;
      }
      failures.push(`${url}: ${(error as Error).message}`);
    }
  }
  if (isOther) noOtherId(host);
  throw new Error(failures.join('; '));
}

/** In the version that the broker speaks. */
async function openAs(
  { mqttVersion = 'auto' }: Options,
  { no5 }: Known,
  { clock, signal, log, uplink }: PlatformHost,
  url: string,
  open: (version: 5 | 4) => Promise<Connection>,
): Promise<Connection> {
  if (mqttVersion === '3.1.1' || (no5.get(url) ?? 0) > clock.elapsed()) return await open(4);
  try {
    return await open(5);
  } catch (error) {
    const refused = error instanceof ConnectError ? error.protocolRefused : undefined;
    if (refused === undefined || mqttVersion !== 'auto' || signal.aborted) throw error;
    log.info({ uplink, url }, 'the broker speaks no MQTT 5; trying 3.1.1');
    if (refused === 'said') no5.set(url, Number.POSITIVE_INFINITY);
    const connection = await open(4);
    // Silence may have been of the moment, had it not taken this.
    if (refused === 'silent') no5.set(url, clock.elapsed() + SILENT_NO_5_MS);
    return connection;
  }
}
