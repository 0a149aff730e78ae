/**
 * Pictures that a panel gives the address of (V of the extended data). They are fetched after the event is on disk and
 * acknowledged, so that no alarm waits for a camera, and only from hosts that the config names: an address in a frame is
 * a stranger's word. A picture is told when it is there, as `media` of its alarm.
 */
import type { Host } from '../contract/driver.ts';
import { ask } from '../http.ts';
import type { Account } from './options.ts';

/** A picture of a detector is some 100 KB. */
const MAX_BYTES = 2_097_152;
const TIMEOUT_MS = 10_000;
/** At once, of all panels of a receiver; and those that wait, beyond which a picture is left. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 32;

export interface PictureOf {
  readonly device: string;
  readonly address: string;
  /** The id of its event. */
  readonly event: string;
}

/** Whether the config lets pictures be fetched there: `10.0.0.9` any port, `10.0.0.9:8080` this one. */
export function mayFetch(address: string, pictures: Account['pictures']): boolean {
  if (pictures === undefined || !URL.canParse(address)) return false;
  const { protocol, hostname, host } = new URL(address);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  const hosts = pictures.hosts.map((name) => name.toLowerCase());
  return hosts.includes(hostname) || hosts.includes(host);
}

export function createPictures(host: Pick<Host, 'clock' | 'discarded' | 'keep' | 'log' | 'signal'>) {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, host.signal]);
  const waiting: PictureOf[] = [];
  let running = 0;

  const fetchOne = async ({ device, address, event }: PictureOf) => {
    const url = new URL(address);
    try {
      const credentials = {
        username: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
      };
      url.username = '';
      url.password = '';
      const { status, headers, body } = await ask(url.href, {
        maxBytes: MAX_BYTES,
        timeout: TIMEOUT_MS,
        clock: host.clock,
        signal,
        ...(credentials.username !== '' && { credentials }),
      });
      if (status !== 200) throw new Error(`it answers ${status}`);
      await host.keep(device, { contentType: headers['content-type'] ?? '', bytes: body }, { event });
    } catch (error) {
      if (signal.aborted) return;
      host.log.warn(
        { device, host: url.host, error: (error as Error).message },
        'a picture of an alarm could not be fetched; its address stands in the event',
      );
    }
  };
  const next = () => {
    while (running < MAX_AT_ONCE) {
      const one = waiting.shift();
      if (one === undefined) return;
      running++;
      void fetchOne(one).finally(() => {
        running--;
        next();
      });
    }
  };
  return {
    add(picture: PictureOf) {
      if (waiting.length >= MAX_WAITING)
        return host.discarded(picture.device, 'more pictures at once than are fetched', 0);
      waiting.push(picture);
      next();
    },
    close() {
      waiting.length = 0;
      stop.abort();
    },
  };
}
