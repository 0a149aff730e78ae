/** Cameras and recorders that answer to WS-Discovery, and, with a login, the channels of recorders. */
import type { Match } from '../../../drivers/onvif/codec.ts';
import { probe } from '../../../drivers/onvif/discovery.ts';
import { lookIntoRecorder } from '../../../drivers/onvif/recorder.ts';
import type { DiscoverOptions, Found, Look, Words } from './found.ts';
import { knownCameras } from './known.ts';

/** Percent-encoded (ONVIF Core, 7.3.2.2); what is not stands as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const scopeOf = (scopes: string, kind: string) =>
  decoded(new RegExp(`onvif://www\\.onvif\\.org/${kind}/(\\S+)`).exec(scopes)?.[1] ?? '');

/** Where a camera answers; `port` undefined: that of its scheme. */
export interface CameraPlace {
  readonly host: string;
  readonly port?: number | undefined;
  readonly isSecure?: boolean;
}

/** A camera at an address. */
export function cameraAt({ host, port, isSecure = false }: CameraPlace, name: string, words: Words): Found {
  const usual = isSecure ? 443 : 80;
  const own = port === undefined || port === usual ? undefined : port;
  return {
    kind: 'camera',
    driver: 'onvif',
    address: `${host.includes(':') ? `[${host}]` : host}:${port ?? usual}`,
    device: {
      id: `camera-${host.replace(/\W+/g, '-')}${own === undefined ? '' : `-${own}`}`,
      ...(name !== '' && { name }),
      driver: 'onvif',
      host,
      ...(own !== undefined && { port: own }),
      ...(isSecure && { tls: {} }),
      username: 'admin',
      passwordFile: 'secrets/cameras',
    },
    words,
  };
}

/** undefined: the answer makes no sense. */
export function readMatch({ addresses, scopes }: Match): Found | undefined {
  const address = addresses.split(/\s+/).find((one) => /^https?:/i.test(one) && URL.canParse(one));
  if (address === undefined) return undefined;
  const { hostname, port, protocol } = new URL(address);
  const hardware = scopeOf(scopes, 'hardware');
  return cameraAt(
    {
      // An IPv6 address has brackets in a URL.
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? undefined : Number(port),
      isSecure: protocol === 'https:',
    },
    scopeOf(scopes, 'name'),
    { en: `ONVIF ${hardware}`.trim(), zh: `ONVIF ${hardware}`.trim() },
  );
}

/** Recorders that are logged in to at once. */
const AT_ONCE = 4;

/**
 * Looks behind each camera that is found: a recorder becomes its channels. Without a login each is told as it was found.
 * `settled`: when all were looked at.
 */
export function recorderLooker(
  { login, clock, signal, config }: DiscoverOptions,
  { found, note }: Pick<Parameters<Look>[1], 'found' | 'note'>,
) {
  const known = knownCameras(config);
  const seen = new Set<string>();
  const waiting: Found[] = [];
  const running = new Set<Promise<void>>();
  const lookInto = async (camera: Found) => {
    const { host, port, tls } = camera.device as { host: string; port?: number; tls?: object };
    const own = { ...camera.device, username: login?.username, passwordFile: login?.passwordFile };
    try {
      const { is, channels } = await lookIntoRecorder({ host, port, tls }, login, clock);
      const words = { en: `ONVIF ${is}`.trim(), zh: `ONVIF ${is}`.trim() };
      if (channels.length < 2) return found({ ...camera, device: own, words });
      for (const [at, source] of channels.entries())
        found({
          ...{ kind: 'channel', driver: 'onvif', address: `${camera.address} ${source}` },
          device: { ...own, id: `${camera.device['id']}-${at + 1}`, source },
          words: {
            en: `${words.en}, channel ${at + 1} of ${channels.length}`,
            zh: `${words.zh}，第 ${at + 1}/${channels.length} 通道`,
          },
        });
    } catch (error) {
      const { message } = error as Error;
      found({
        ...camera,
        words: {
          en: `${camera.words.en}; not looked into: ${message}`,
          zh: `${camera.words.zh}；未能查询：${message}`,
        },
      });
    }
  };
  const next = () => {
    const camera = running.size < AT_ONCE && !signal.aborted ? waiting.shift() : undefined;
    if (camera === undefined) return;
    const look = lookInto(camera).finally(() => {
      running.delete(look);
      next();
    });
    running.add(look);
  };
  return {
    take(camera: Found) {
      if (seen.has(camera.address)) return;
      seen.add(camera.address);
      const device = known.get(String(camera.device['host']));
      if (device !== undefined)
        return note({
          en: `${camera.address}: it is ${device} of the config`,
          zh: `${camera.address}：即配置中的 ${device}`,
        });
      if (login === undefined) return found(camera);
      waiting.push(camera);
      next();
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

export const lookForCameras: Look = async (options, { found, note, progress }) => {
  const { forMs, clock, signal, interface: name } = options;
  const recorders = recorderLooker(options, { found, note });
  const words: Words = { en: 'waiting for cameras', zh: '等待摄像机应答' };
  const from = clock.elapsed();
  const ticking = clock.every(forMs / 20, () =>
    progress({ way: 'onvif', words, done: Math.min(clock.elapsed() - from, forMs), total: forMs }),
  );
  try {
    await probe({
      ...{ timeout: forMs, interface: name, clock, signal },
      found(match) {
        const camera = readMatch(match);
        if (camera !== undefined) recorders.take(camera);
      },
    });
  } finally {
    ticking.stop();
  }
  await recorders.settled();
};
