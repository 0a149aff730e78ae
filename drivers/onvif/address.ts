/** Where a camera is, and where what it tells of its own addresses is asked. Pure. */
import type { TlsJudge } from '../http.ts';

export interface CameraAddress {
  readonly host: string;
  readonly port: number;
  /** It speaks HTTPS; undefined: it does not. */
  readonly tls?: TlsJudge | undefined;
}

const hostOf = ({ host }: CameraAddress) => (host.includes(':') ? `[${host}]` : host);

export const originOf = (address: CameraAddress): string =>
  new URL(`${address.tls === undefined ? 'http' : 'https'}://${hostOf(address)}:${address.port}`).origin;

/** Where every ONVIF device answers (ONVIF Core 5.4). */
export const serviceUrl = (address: CameraAddress): string => `${originOf(address)}/onvif/device_service`;

/**
 * Where to ask for what a camera told, in turn. The host is ours, whatever it names: behind NAT it knows another one, and
 * the password goes nowhere else. Where it named itself, its port is tried first: some have services on ports of their own.
 * Where it named somebody else, the port is as likely wrong as the host, and ours is first. `base`: whose answer it is.
 * What is no address (`urn:uuid:`, nothing) is asked where it was told.
 */
export function placesOf(told: string, base: string, address: CameraAddress): readonly string[] {
  const from = new URL(base);
  if (!URL.canParse(told, base) || told.trim() === '') return [base];
  const { protocol, hostname, port, pathname, search } = new URL(told, base);
  if (protocol !== 'http:' && protocol !== 'https:') return [base];
  const at = (origin: string) => {
    const url = new URL(origin);
    url.pathname = pathname;
    url.search = search;
    return url.href;
  };
  const own = [from.origin, originOf(address)];
  const scheme = address.tls === undefined ? 'http:' : 'https:';
  // Neither where it has to be open, nor where we know no certificate.
  const elsewhere =
    protocol === scheme ? [`${scheme}//${hostOf(address)}${port === '' ? '' : `:${port}`}`] : [];
  const isItself = hostname === from.hostname;
  const origins = isItself ? [...elsewhere, ...own] : [...own, ...elsewhere];
  return [...new Set(origins.map(at))];
}

/** A stream or a picture: at the camera, whatever host it tells. @throws Error on a scheme that is not asked. */
export function atCamera(uri: string, address: CameraAddress, scheme: RegExp): string {
  const url = new URL(uri);
  // ffmpeg reads files as well, which a camera has no business to name.
  if (!scheme.test(url.protocol)) throw new Error(`it names ${url.protocol}//, which is not asked`);
  url.hostname = hostOf(address);
  // Not its words are who we are, but what the config says.
  url.username = '';
  url.password = '';
  return url.href;
}
